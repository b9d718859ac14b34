/**
 * Where the value of an attribute is found in the database: the list of what can be filtered fast
 * (docs: CONTRIBUTING, "add a filterable column"). What is not listed here is read from the
 * document. Aliases: `u` = users, `g` = groups.
 */
import { BRIDGE_GROUP, BRIDGE_USER, CORE_GROUP, CORE_USER, ENTERPRISE_USER } from '../domain/schema.js';

export type TypeName = 'User' | 'Group';

/** How a value is held in SQL. */
export type Form =
  /** As written. */
  | 'text'
  /** Folded already, see domain/fold.ts. */
  | 'key'
  /** Milliseconds since the epoch. */
  | 'instant'
  /** Numbers, and booleans as 0 and 1. */
  | 'number';

export interface Scalar {
  readonly kind: 'scalar';
  readonly sql: string;
  readonly form: Form;
  /** Text that stands before the value for clients: the `base` and a path. */
  readonly prefix?: string;
}

/** The same for every row (`meta.resourceType`, `members.type`): decided without SQL. */
export interface Constant {
  readonly kind: 'constant';
  readonly value: string;
}

/** Rows of another table that stand for elements: `owner IN (SELECT key FROM from WHERE …)`. */
export interface Related {
  readonly owner: string;
  readonly key: string;
  readonly from: string;
  /** By name of the sub-attribute. */
  readonly columns: ReadonlyMap<string, Scalar | Constant>;
}

const text = (sql: string, prefix?: string): Scalar => ({
  kind: 'scalar',
  sql,
  form: 'text',
  ...(prefix === undefined ? {} : { prefix }),
});
const key = (sql: string): Scalar => ({ kind: 'scalar', sql, form: 'key' });
const instant = (sql: string): Scalar => ({ kind: 'scalar', sql, form: 'instant' });
const number = (sql: string): Scalar => ({ kind: 'scalar', sql, form: 'number' });
const constant = (value: string): Constant => ({ kind: 'constant', value });

export const ALIAS: Readonly<Record<TypeName, 'u' | 'g'>> = { User: 'u', Group: 'g' };
export const CORE_SCHEMA: Readonly<Record<TypeName, string>> = { User: CORE_USER, Group: CORE_GROUP };
/** Schemas that every resource of the type shows: the bridge always has something to report. */
export const CONSTANT_SCHEMAS: Readonly<Record<TypeName, readonly string[]>> = {
  User: [CORE_USER, BRIDGE_USER],
  Group: [CORE_GROUP, BRIDGE_GROUP],
};
/** Schemas that a resource shows when its document has the extension. */
export const STORED_SCHEMAS: Readonly<Record<TypeName, readonly string[]>> = { User: [ENTERPRISE_USER], Group: [] };

const common = (type: TypeName): [string, Scalar | Constant][] => {
  const row = ALIAS[type];
  return [
    ['id', text(`${row}.id`)],
    ['externalId', text(`${row}.external_id`)],
    ['meta.resourceType', constant(type)],
    ['meta.created', instant(`${row}.created_at`)],
    ['meta.lastModified', instant(`${row}.modified_at`)],
    ['meta.location', text(`${row}.id`, `/${type}s/`)],
    ['meta.version', text(`('W/"' || ${row}.version || '"')`)],
  ];
};

/** Columns by path: keys joined by dots. */
export const COLUMNS: Readonly<Record<TypeName, ReadonlyMap<string, Scalar | Constant>>> = {
  User: new Map([
    ...common('User'),
    ['userName', key('u.user_name_key')],
    ['displayName', key('u.display_name_key')],
    ['active', number('u.active')],
    [`${ENTERPRISE_USER}.manager.value`, text('u.manager_id')],
    [`${ENTERPRISE_USER}.manager.$ref`, text('scim_uri(u.manager_id)', '/Users/')],
    [
      `${ENTERPRISE_USER}.manager.displayName`,
      key('(SELECT um.display_name_key FROM users AS um WHERE um.id = u.manager_id AND um.deleted_at IS NULL)'),
    ],
    [`${BRIDGE_USER}.status`, text('u.status')],
    [`${BRIDGE_USER}.memberId`, text('u.member_id')],
    [`${BRIDGE_USER}.origin`, text('u.origin')],
    [`${BRIDGE_USER}.invitedAt`, instant('u.invited_at')],
    [`${BRIDGE_USER}.acceptedAt`, instant('u.accepted_at')],
    [`${BRIDGE_USER}.pendingChanges`, number('u.pending_changes')],
    [`${BRIDGE_USER}.lastError`, text('u.last_error')],
  ]),
  Group: new Map([
    ...common('Group'),
    ['displayName', key('g.display_name_key')],
    // The link that counts is the column; the document remembers the one that was asked for.
    [
      `${BRIDGE_GROUP}.groupId`,
      text(`COALESCE(g.workspace_group_id, json_extract(g.document, '$."${BRIDGE_GROUP}".groupId'))`),
    ],
    [`${BRIDGE_GROUP}.linkStatus`, text('g.link_status')],
  ]),
};

/** Attributes whose elements are rows elsewhere, wholly. */
export const RELATED: Readonly<Record<TypeName, ReadonlyMap<string, Related>>> = {
  User: new Map([
    [
      'groups',
      {
        owner: 'u.seq',
        key: 'm.user_seq',
        from: 'memberships AS m JOIN groups AS mg ON mg.seq = m.group_seq',
        columns: new Map<string, Scalar | Constant>([
          ['value', text('mg.id')],
          ['$ref', text('mg.id', '/Groups/')],
          ['display', key('mg.display_name_key')],
          ['type', constant('direct')],
        ]),
      },
    ],
  ]),
  Group: new Map([
    [
      'members',
      {
        owner: 'g.seq',
        key: 'm.group_seq',
        from: 'memberships AS m JOIN users AS mu ON mu.seq = m.user_seq',
        columns: new Map<string, Scalar | Constant>([
          ['value', text('mu.id')],
          ['$ref', text('mu.id', '/Users/')],
          ['display', key('COALESCE(mu.display_name_key, mu.user_name_key)')],
          ['type', constant('User')],
        ]),
      },
    ],
  ]),
};

/** E-mails by index. The table lacks `display`; whether `primary: false` was said (`pr`) only the document knows. */
export const EMAILS: Related = {
  owner: 'u.seq',
  key: 'e.user_seq',
  from: 'user_emails AS e',
  columns: new Map<string, Scalar | Constant>([
    ['value', key('e.value_key')],
    ['type', key('e.type_key')],
    ['primary', number('e.is_primary')],
  ]),
};
