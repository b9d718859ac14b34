/**
 * PATCH (RFC 7644 3.5.2): the message is parsed wholly before anything is applied, and what it
 * comes to is a pure function, so an operation that fails leaves nothing behind.
 *
 * Laws (test/scim/patch-laws.test.ts): applying a PATCH twice is applying it once; removing what
 * was added gives back what was; a document that came in well-formed goes out well-formed.
 */
import type { Filter } from '../domain/filter.js';
import { GROUP } from '../domain/group-schema.js';
import type { ResourceType } from '../domain/schema.js';
import type { Document } from '../domain/types.js';
import { USER } from '../domain/user-schema.js';
import { isAboutOperation } from '../domain/withdrawal.js';
import type { GroupChange, MemberOp } from '../store/port.js';
import type { DocumentChecks } from './document-checks.js';
import { finish, isStored } from './document.js';
import { memberOps } from './patch-members.js';
import { removeEdit } from './patch-remove.js';
import { parseOperations, type Operation, type PatchedResource } from './patch-request.js';
import { assertFinished, editAt, MAX_WORK, type Work } from './patch-target.js';
import { writeEdit } from './patch-write.js';

export interface PatchOptions extends PatchedResource {
  readonly checks?: DocumentChecks | undefined;
  /** URL of the SCIM root, for filters on `members.$ref`. */
  readonly base?: string | undefined;
  /** Throws where the client may not look at the members of a group in this way. */
  readonly checkMembers?: ((filter: Filter) => void) | undefined;
}

interface Step {
  readonly where: string;
  readonly edit: (document: Document, work: Work) => Document;
}

/** The change that a PATCH of a User asks for. Throws ScimError, at once or when applied. */
export function parseUserPatch(body: unknown, options: PatchOptions = {}): (current: Document) => Document {
  return apply(USER, parseOperations(body, USER, resourceOf(options), toStep), options);
}

/** The change that a PATCH of a Group asks for: of its document, and of its members. */
export function parseGroupPatch(body: unknown, options: PatchOptions = {}): GroupChange {
  const toMemberOp = memberOps(options.base ?? '', options.checkMembers, options.checks?.refuse);
  const members: MemberOp[] = [];
  const steps: Step[] = [];
  parseOperations(body, GROUP, resourceOf(options), (operation) => {
    if (operation.path.attribute.name === 'members') members.push(toMemberOp(operation));
    else steps.push(toStep(operation));
  });
  return { document: apply(GROUP, steps, options), members };
}

const resourceOf = (options: PatchOptions): PatchedResource => ({ ...options, refuse: options.checks?.refuse });

function apply(type: ResourceType, steps: readonly Step[], options: PatchOptions): (current: Document) => Document {
  if (steps.length === 0) return (current) => current;
  return (current) => {
    const work: Work = { left: MAX_WORK, unfinished: [] };
    const changed = steps.reduce((document, step) => take(step, document, work, options), current);
    assertFinished(changed, work);
    return finish(type, current, changed, options.checks ?? {});
  };
}

function take({ where, edit }: Step, document: Document, work: Work, { checks }: PatchOptions): Document {
  try {
    return edit(document, work);
  } catch (error) {
    if (checks?.refuse === undefined || !isAboutOperation(error)) throw error;
    checks.refuse(where, error);
    return document;
  }
}

function toStep(operation: Operation): Step {
  const { path, verb, where } = operation;
  const edit = verb === 'remove' ? removeEdit(operation) : writeEdit(operation);
  // A password is read, so that a bad one is an error, and dropped.
  if (!isStored(path.attribute)) return { where, edit: (document) => document };
  return { where, edit: (document, work) => editAt(document, path.keys, edit, work) };
}
