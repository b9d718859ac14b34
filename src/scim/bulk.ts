/**
 * POST /Bulk (RFC 7644 3.7): a sequence of writes in one request, each its own transaction, none
 * of them waiting for effects upstream.
 *
 * Operations run in the order given, except that what an operation refers to is created first.
 * Users who refer to each other in a circle (by `manager`) are created without the reference that
 * closes it, which is written when the circle is complete.
 */
import type { JsonObject } from '../domain/types.js';
import { invalidValue, ScimError } from '../errors.js';
import {
  BULK_RESPONSE_URN,
  parseBulkRequest,
  type BulkEntry,
  type BulkOperation,
  type BulkPlan,
  type BulkTarget,
  type Collection,
} from './bulk-request.js';
import { findReferences, referenceOf, resolveReferences } from './bulk-references.js';
import { performOperation, undoCreation } from './bulk-operation.js';
import type { Caller, Reply, ScimRequest } from './context.js';
import { errorBody, toScimError } from './reply.js';
import { namesIn, type RequestRefusal } from './request-log.js';
import { shorten } from './shorten.js';

/** A thousand transactions must not keep all other requests waiting. */
const OPERATIONS_PER_TURN = 10;

/** Performs a BulkRequest and renders the BulkResponse. */
export async function runBulk(request: ScimRequest, body: JsonObject): Promise<object> {
  const { app, onRefused } = request;
  const plan = parseBulkRequest(body, app.limits.bulkOperations);
  // Asked once: an operation that waits for the first reading must not wait a thousand times.
  await app.provisioning.admitWithdrawal();
  const run = new BulkRun({ ...request, interactive: false }, plan);
  const operations = await run.run();
  run.refusals().forEach(onRefused);
  return { schemas: [BULK_RESPONSE_URN], Operations: operations };
}

type Progress =
  | { readonly kind: 'running' }
  | { readonly kind: 'created'; readonly id: string; readonly reply: Reply }
  | { readonly kind: 'done'; readonly reply: Reply }
  | { readonly kind: 'failed'; readonly error: ScimError };

/** Lives as long as one request: what has been done, and which ids came of it. */
class BulkRun {
  readonly #caller: Caller;
  readonly #plan: BulkPlan;
  /** Creations by bulkId; only they can be referred to. */
  readonly #creations = new Map<string, BulkEntry>();
  readonly #progress = new Map<BulkEntry, Progress>();
  /** Created without some reference, to be completed. */
  #incomplete: BulkEntry[] = [];
  #errors = 0;
  #performed = 0;

  constructor(caller: Caller, plan: BulkPlan) {
    this.#caller = caller;
    this.#plan = plan;
    for (const entry of plan.entries) {
      const bulkId = entry.kind === 'operation' ? entry.operation.bulkId : entry.bulkId;
      const creates = entry.kind === 'broken' || entry.operation.method === 'POST';
      if (bulkId !== null && creates) this.#creations.set(bulkId, entry);
    }
  }

  /** The results, in the order of the operations; those after `failOnErrors` errors are missing. */
  async run(): Promise<readonly object[]> {
    for (const entry of this.#plan.entries) {
      if (this.#stopped()) break;
      await this.#perform(entry);
      await this.#complete();
    }
    return this.#plan.entries.flatMap((entry) => {
      const progress = this.#progress.get(entry);
      return progress === undefined || progress.kind === 'running' ? [] : [this.#render(entry, progress)];
    });
  }

  /** What the results say of the operations that failed, and whom they were about. */
  refusals(): readonly RequestRefusal[] {
    return this.#plan.entries.flatMap((entry) => {
      const progress = this.#progress.get(entry);
      if (progress?.kind !== 'failed') return [];
      const { status, message: detail } = progress.error;
      if (entry.kind === 'broken')
        return [{ method: entry.method, template: '/Bulk', status, detail, about: namesIn(null, entry.data) }];
      const { method, target, data } = entry.operation;
      const template = `/${ENDPOINT[target.collection]}${target.id === null ? '' : '/:id'} in /Bulk`;
      return [{ method, template, status, detail, about: namesIn(this.#targetId(target), data) }];
    });
  }

  #stopped(): boolean {
    return this.#errors >= this.#plan.failOnErrors;
  }

  async #perform(entry: BulkEntry): Promise<void> {
    if (this.#progress.has(entry)) return;
    this.#progress.set(entry, { kind: 'running' });
    try {
      if (entry.kind === 'broken') throw entry.problem;
      const { operation } = entry;
      const open = await this.#createReferred(entry, operation);
      if (this.#stopped()) {
        this.#progress.delete(entry);
        return;
      }
      const reply = await this.#write(operation, open);
      const id = operation.method === 'POST' ? idIn(reply) : null;
      this.#progress.set(entry, id === null ? { kind: 'done', reply } : { kind: 'created', id, reply });
      if (open.size > 0) this.#incomplete.push(entry);
    } catch (error) {
      this.#fail(entry, error);
    }
  }

  /** Creates what an operation refers to. Answers the references that are still open: they close a circle. */
  async #createReferred(entry: BulkEntry, operation: BulkOperation): Promise<ReadonlySet<string>> {
    const open = new Set<string>();
    const { known, unknown } = findReferences(operation.data, (bulkId) => this.#creations.has(bulkId));
    for (const bulkId of unknown) throw invalidValue(`No POST of this request has the bulkId ${shorten(bulkId)}.`);
    for (const bulkId of [...known, ...this.#targetReference(operation)]) {
      const referred = this.#creations.get(bulkId);
      if (referred === undefined) throw invalidValue(`No POST of this request has the bulkId ${shorten(bulkId)}.`);
      if (known.has(bulkId) && isGroup(referred)) {
        if (operation.target.collection === 'users') continue; // `groups` of a user is readOnly, hence ignored
        throw invalidValue(`The group ${shorten(bulkId)} cannot be a member: ElevenLabs has no nested groups.`);
      }
      if (this.#progress.get(referred)?.kind === 'running') open.add(bulkId);
      else await this.#perform(referred);
      if (referred !== entry) this.#requireCreated(bulkId, referred);
    }
    return open;
  }

  #targetReference(operation: BulkOperation): readonly string[] {
    const bulkId = operation.target.id === null ? null : referenceOf(operation.target.id);
    return bulkId === null ? [] : [bulkId];
  }

  #requireCreated(bulkId: string, referred: BulkEntry): void {
    if (this.#progress.get(referred)?.kind === 'failed') {
      throw new ScimError(412, `The operation with the bulkId ${shorten(bulkId)}, to which this one refers, failed.`);
    }
  }

  async #write(operation: BulkOperation, open: ReadonlySet<string>): Promise<Reply> {
    this.#performed += 1;
    if (this.#performed % OPERATIONS_PER_TURN === 0) await this.#caller.app.clock.turn();
    const data = resolveReferences(operation.data, (bulkId) => (open.has(bulkId) ? null : this.#idOf(bulkId)));
    const { target } = operation;
    return performOperation(this.#caller, { ...operation, data, target: { ...target, id: this.#targetId(target) } });
  }

  /** The id that a target names or refers to; the reference itself while that has none. */
  #targetId({ id }: BulkTarget): string | null {
    const bulkId = id === null ? null : referenceOf(id);
    return bulkId === null ? id : (this.#idOf(bulkId) ?? id);
  }

  #idOf(bulkId: string): string | undefined {
    const creation = this.#creations.get(bulkId);
    const progress = creation === undefined ? undefined : this.#progress.get(creation);
    return progress?.kind === 'created' ? progress.id : undefined;
  }

  /** Writes the references that were left out, now that every resource of the circle has its id. */
  async #complete(): Promise<void> {
    const incomplete = this.#incomplete;
    this.#incomplete = [];
    for (const entry of incomplete) {
      const created = this.#progress.get(entry);
      if (entry.kind !== 'operation' || created?.kind !== 'created') continue;
      const target = { ...entry.operation.target, id: created.id };
      try {
        for (const bulkId of findReferences(entry.operation.data, (id) => this.#creations.has(id)).known) {
          const referred = this.#creations.get(bulkId);
          if (referred !== undefined) this.#requireCreated(bulkId, referred);
        }
        const written = await this.#write({ ...entry.operation, method: 'PUT', version: null, target }, new Set());
        this.#progress.set(entry, {
          ...created,
          reply: { ...created.reply, headers: { ...created.reply.headers, ...written.headers } },
        });
      } catch (error) {
        // An operation that is answered with an error leaves nothing behind.
        await undoCreation(this.#caller, target);
        this.#fail(entry, error);
      }
    }
  }

  #fail(entry: BulkEntry, error: unknown): void {
    const known = toScimError(error);
    if (known.status === 500)
      this.#caller.app.log.error({ err: error, requestId: this.#caller.requestId }, 'bulk operation failed');
    this.#errors += 1;
    this.#progress.set(entry, { kind: 'failed', error: known });
  }

  #render(entry: BulkEntry, progress: Exclude<Progress, { kind: 'running' }>): object {
    const operation = entry.kind === 'operation' ? entry.operation : null;
    const method = entry.kind === 'operation' ? entry.operation.method : entry.method;
    const bulkId = entry.kind === 'operation' ? entry.operation.bulkId : entry.bulkId;
    const common = { method, ...(bulkId === null ? {} : { bulkId }) };
    if (progress.kind === 'failed') {
      return {
        ...common,
        ...this.#locationOf(operation),
        status: String(progress.error.status),
        response: errorBody(progress.error, this.#caller.requestId),
      };
    }
    const { status, headers } = progress.reply;
    const location =
      headers['Location'] === undefined ? this.#locationOf(operation) : { location: headers['Location'] };
    const version = headers['ETag'] === undefined ? {} : { version: headers['ETag'] };
    return { ...common, ...location, ...version, status: String(status) };
  }

  /** RFC 7644 3.7.3: there is one except for a POST that failed. */
  #locationOf(operation: BulkOperation | null): { readonly location?: string } {
    const named = operation?.target.id ?? null;
    if (operation === null || named === null) return {};
    const bulkId = referenceOf(named);
    const id = bulkId === null ? named : this.#idOf(bulkId);
    const endpoint = ENDPOINT[operation.target.collection];
    return id === undefined ? {} : { location: `${this.#caller.app.baseUrl()}/${endpoint}/${encodeURIComponent(id)}` };
  }
}

const ENDPOINT: Readonly<Record<Collection, string>> = { users: 'Users', groups: 'Groups' };

function isGroup(entry: BulkEntry): boolean {
  return entry.kind === 'operation' && entry.operation.target.collection === 'groups';
}

function idIn(reply: Reply): string | null {
  const body = reply.body as { readonly id?: unknown } | null;
  return typeof body?.id === 'string' ? body.id : null;
}
