/** The User resource, as scimmy's routers see it. */
import SCIMMY from 'scimmy';
import { USER } from '../domain/user-schema.js';
import { viewOf } from './listing.js';
import { answer, bodyOf, ScimResource } from './resource-base.js';
import { createUser, deleteUser, listUsers, patchUser, readUser, replaceUser } from './users-service.js';

export class UserResource extends ScimResource {
  static override get endpoint(): string {
    return USER.endpoint;
  }

  static override get schema(): typeof SCIMMY.Types.Schema {
    return SCIMMY.Schemas.User;
  }

  override async read(context?: unknown): Promise<object | undefined> {
    const { target } = this;
    return answer(context, async (request) =>
      target === null
        ? { status: 200, headers: {}, body: await listUsers(request, request.parameters) }
        : readUser(request, target, viewOf(request.parameters, USER)),
    );
  }

  override async write(_body: unknown, context?: unknown): Promise<object | undefined> {
    const { target } = this;
    return answer(context, async (request) => {
      const view = viewOf(request.parameters, USER);
      return target === null
        ? createUser(request, bodyOf(request), view)
        : replaceUser(request, target, bodyOf(request), view);
    });
  }

  override async patch(_body: unknown, context?: unknown): Promise<object | undefined> {
    const { target } = this;
    return answer(context, async (request) =>
      patchUser(request, target ?? '', bodyOf(request), viewOf(request.parameters, USER)),
    );
  }

  override async dispose(context?: unknown): Promise<void> {
    const { target } = this;
    await answer(context, async (request) => deleteUser(request, target ?? ''));
  }
}
