/** The Group resource, as scimmy's routers see it. */
import SCIMMY from 'scimmy';
import { GROUP } from '../domain/group-schema.js';
import { viewOf } from './listing.js';
import { answer, bodyOf, ScimResource } from './resource-base.js';
import { createGroup, deleteGroup, listGroups, patchGroup, readGroup, replaceGroup } from './groups-service.js';

export class GroupResource extends ScimResource {
  static override get endpoint(): string {
    return GROUP.endpoint;
  }

  static override get schema(): typeof SCIMMY.Types.Schema {
    return SCIMMY.Schemas.Group;
  }

  override async read(context?: unknown): Promise<object | undefined> {
    const { target } = this;
    return answer(context, async (request) =>
      target === null
        ? { status: 200, headers: {}, body: await listGroups(request, request.parameters) }
        : readGroup(request, target, viewOf(request.parameters, GROUP)),
    );
  }

  override async write(_body: unknown, context?: unknown): Promise<object | undefined> {
    const { target } = this;
    return answer(context, async (request) => {
      const view = viewOf(request.parameters, GROUP);
      return target === null
        ? createGroup(request, bodyOf(request), view)
        : replaceGroup(request, target, bodyOf(request), view);
    });
  }

  override async patch(_body: unknown, context?: unknown): Promise<object | undefined> {
    const { target } = this;
    return answer(context, async (request) =>
      patchGroup(request, target ?? '', bodyOf(request), viewOf(request.parameters, GROUP)),
    );
  }

  override async dispose(context?: unknown): Promise<void> {
    const { target } = this;
    await answer(context, async (request) => deleteGroup(request, target ?? ''));
  }
}
