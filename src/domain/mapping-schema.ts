/**
 * The form of the mapping file. One schema says what is allowed; its messages are written for the
 * person who edits the file. Folding and checks across keys are in mapping-file.ts.
 */
import { z } from 'zod';
import { domainProblem, addressProblem } from './email-address.js';
import { fold } from './fold.js';
import { patternProblem } from './invite-only.js';
import { nearest } from './nearest.js';
import { RESOURCE_TYPES } from './resource-types.js';
import { BUILT_IN_ROLE_SEATS, type MappedShare } from './rules.js';
import { DANGERS, ENTITLEMENT_FORM, readEntitlement, shareProblem } from './shares.js';
import { SHARE_ROLES, type SeatType, type ShareRole } from './types.js';

const MAX_TEXT = 1000;

/** A map with these keys and no others. The allowed keys travel in the message, see `describeIssue`. */
function keys<T extends z.ZodRawShape>(shape: T) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : undefined),
  });
}

/** A text for which `problem` has no objection. */
function text(problem: (text: string) => string | null) {
  return z.string().superRefine((value, context) => {
    const message = problem(value);
    if (message !== null) context.addIssue({ code: 'custom', message });
  });
}

const seat = z.string().transform((value, context): SeatType => {
  const seatType = BUILT_IN_ROLE_SEATS.get(fold(value.trim()));
  if (seatType !== undefined) return seatType;
  const allowed = [...BUILT_IN_ROLE_SEATS.keys()];
  context.addIssue({ code: 'custom', message: unknownWord('seat', value, allowed) });
  return z.NEVER;
});

const name = text((value) => {
  if (value.trim() === '') return 'is empty';
  return value.length > MAX_TEXT ? `is longer than ${String(MAX_TEXT)} characters` : null;
});

const upstreamId = text((value) =>
  /^[A-Za-z0-9_-]{1,128}$/.test(value) ? null : `"${value.slice(0, 60)}" is not an id of ElevenLabs`,
);

const shareParts = keys({ resourceType: z.string(), resourceId: z.string(), role: z.string() });

/** `type:id:role`, or the same as a map. */
const share = z.unknown().transform((value, context): MappedShare => {
  if (typeof value === 'string') {
    const read = readEntitlement(value);
    if (!('problem' in read)) return read;
    context.addIssue({ code: 'custom', message: withGuess(read.problem, value) });
    return z.NEVER;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const message = `must be a text of the form ${ENTITLEMENT_FORM}, or a map with resourceType, resourceId and role`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  }
  const parts = shareParts.safeParse(value, { reportInput: true });
  if (!parts.success) {
    for (const issue of parts.error.issues) context.addIssue({ ...issue });
    return z.NEVER;
  }
  const { resourceType, resourceId, role } = parts.data;
  const problem = shareProblem(resourceType, resourceId, role);
  if (problem !== null) {
    context.addIssue({ code: 'custom', message: withGuess(problem, `${resourceType}:${resourceId}:${role}`) });
    return z.NEVER;
  }
  return { resource: { type: resourceType, id: resourceId }, role: role as ShareRole };
});

const shares = z.array(share);

const group = keys({ seat: seat.nullish(), workspaceGroup: name.nullish(), shares: shares.nullish() });

const PRINCIPALS = ['groupId', 'group', 'workspaceApiKeyId'] as const;

const principalShares = keys({
  groupId: upstreamId.optional(),
  group: name.optional(),
  workspaceApiKeyId: upstreamId.optional(),
  shares,
}).superRefine((entry, context) => {
  if (PRINCIPALS.filter((key) => entry[key] !== undefined).length !== 1) {
    const message =
      'needs exactly one of groupId ("default" = all members), group (name of a workspace group) and workspaceApiKeyId';
    context.addIssue({ code: 'custom', message });
  }
});

const entitlement = keys({
  value: text((value) => {
    const read = readEntitlement(value);
    return 'problem' in read ? withGuess(read.problem, value) : null;
  }),
  display: name,
  description: name.nullish(),
});

const danger = text((value) =>
  DANGERS.includes(value) ? null : unknownWord('kind of dangerous share', value, DANGERS),
);

export const MAPPING_SCHEMA = keys({
  roles: z.object({ builtin: z.boolean().optional() }).catchall(seat).nullish(),
  groups: z.record(z.string(), group).nullish(),
  shares: z.array(principalShares).nullish(),
  neverTouch: z.array(text(quoting(addressProblem))).nullish(),
  inviteOnly: z.array(text(quoting(patternProblem))).nullish(),
  verifiedDomains: z.array(text(quoting((value) => domainProblem(fold(value.trim()))))).nullish(),
  entitlements: z.array(entitlement).nullish(),
  allowDangerousShares: z.union([z.boolean(), z.array(danger)], { error: undefined }).nullish(),
});
export type MappingSource = z.output<typeof MAPPING_SCHEMA>;

/** One issue as the messages it stands for, each with the path it belongs to. */
export function describeIssue(
  issue: z.core.$ZodIssue,
): { readonly path: readonly PropertyKey[]; readonly message: string }[] {
  switch (issue.code) {
    case 'unrecognized_keys': {
      const allowed = issue.message.split(' ');
      return issue.keys.map((key) => ({ path: [...issue.path, key], message: unknownWord('key', key, allowed) }));
    }
    case 'invalid_type':
      return [
        {
          path: issue.path,
          message: issue.input === undefined ? 'is missing' : `must be ${TYPES[issue.expected] ?? issue.expected}`,
        },
      ];
    case 'invalid_union':
      return unionIssues(issue);
    default:
      return [{ path: issue.path, message: issue.message }];
  }
}

/** A value that fits no form: the problems inside the form it is nearest to, else what is allowed. */
function unionIssues(issue: z.core.$ZodIssue & { readonly code: 'invalid_union' }) {
  const inner = issue.errors.find((issues) => issues.every(({ path }) => path.length > 0));
  if (inner === undefined)
    return [{ path: issue.path, message: `must be true, false or a list of ${DANGERS.join(', ')}` }];
  return inner.flatMap(describeIssue).map(({ path, message }) => ({ path: [...issue.path, ...path], message }));
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text (put it into quotes)',
  boolean: 'true or false',
  array: 'a list (lines that begin with "- ")',
  object: 'a map (lines of the form "key: value")',
  record: 'a map (lines of the form "key: value")',
};

function unknownWord(what: string, word: string, allowed: readonly string[]): string {
  const meant = nearest(word, allowed);
  const guess = meant === null ? '' : ` Did you mean "${meant}"?`;
  return `unknown ${what} "${word.slice(0, 60)}"; allowed are ${allowed.join(', ')}.${guess}`;
}

function withGuess(problem: string, value: string): string {
  const [type, , role] = value.trim().split(':', 4);
  const meant = problem.startsWith('unknown resource type')
    ? nearest(type ?? '', RESOURCE_TYPES)
    : problem.startsWith('unknown role')
      ? nearest(role ?? '', SHARE_ROLES)
      : null;
  return meant === null ? problem : `${problem}. Did you mean "${meant}"?`;
}

function quoting(problem: (text: string) => string | null): (text: string) => string | null {
  return (value) => {
    const words = problem(value);
    return words === null ? null : `"${value.slice(0, 80)}" ${words}`;
  };
}
