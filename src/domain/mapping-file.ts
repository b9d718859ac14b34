/**
 * The mapping file (`MAPPING_FILE`): what only the operator can know about roles, groups, shares
 * and people. Text in, `Mapping` out, or every problem of the file at once, each with line, key
 * and what is allowed there. See docs/mapping.example.yaml for every key.
 *
 * Names are compared folded (case, width): two spellings of one name are refused, because only
 * one of them could win.
 */
import { fold, foldAddress } from './fold.js';
import { describeIssue, MAPPING_SCHEMA, type MappingSource } from './mapping-schema.js';
import { readMappingYaml, type KeyPath, type MappingProblem } from './mapping-yaml.js';
import { BUILT_IN_ROLE_SEATS, DEFAULT_RULES, type MappedShare, type NamedEntitlement, type Rules } from './rules.js';
import { DANGERS, dangersOf, entitlementOf, readEntitlement, resourceKey } from './shares.js';
import type { Principal, SeatType, WorkspaceGroupId } from './types.js';

export type { MappingProblem } from './mapping-yaml.js';

/** The mapping file, checked; every name folded as `Rules` wants it. */
export type Mapping = Pick<
  Rules,
  | 'roleSeats'
  | 'groupSeats'
  | 'groupAliases'
  | 'groupShares'
  | 'workspaceGroupShares'
  | 'fixedShares'
  | 'neverTouch'
  | 'inviteOnly'
  | 'verifiedDomains'
  | 'dangerousSharesByScim'
  | 'allowedDangerousShares'
  | 'namedEntitlements'
>;

/** What `Rules` takes from the configuration. */
export type RulesConfig = Pick<
  Rules,
  | 'defaultSeat'
  | 'allowDowngrade'
  | 'seatLimits'
  | 'requireEmail'
  | 'importExisting'
  | 'emailChange'
  | 'drift'
  | 'inviteTtlDays'
>;

export type ParsedMapping =
  | { readonly ok: true; readonly mapping: Mapping }
  | { readonly ok: false; readonly problems: readonly MappingProblem[] };

/** More would not be read. */
const MAX_PROBLEMS = 100;

/** Reads a mapping file. An empty file is a valid one. */
export function parseMapping(text: string): ParsedMapping {
  const yaml = readMappingYaml(text);
  if ('problems' in yaml) return { ok: false, problems: yaml.problems.slice(0, MAX_PROBLEMS) };
  const problems: MappingProblem[] = [];
  const report = (path: readonly PropertyKey[], message: string): void => {
    const steps = path.map((step) => (typeof step === 'number' ? step : String(step)));
    problems.push({ line: yaml.lineOf(steps), key: formatKey(steps), message });
  };
  const data = yaml.data ?? {};
  checkNames(data, report);
  const parsed = MAPPING_SCHEMA.safeParse(data, { reportInput: true });
  if (parsed.success) checkShares(parsed.data, report);
  else
    for (const issue of parsed.error.issues)
      for (const { path, message } of describeIssue(issue)) report(path, message);
  if (!parsed.success || problems.length > 0) {
    const inOrder = problems.sort((a, b) => a.line - b.line);
    return { ok: false, problems: inOrder.slice(0, MAX_PROBLEMS) };
  }
  return { ok: true, mapping: toMapping(parsed.data) };
}

/** The rules by which everything is planned: configuration and mapping file together. */
export function buildRules(config: RulesConfig, mapping: Mapping | null): Rules {
  const { defaultSeat, allowDowngrade, seatLimits, requireEmail, importExisting, emailChange, drift, inviteTtlDays } =
    config;
  return {
    ...DEFAULT_RULES,
    ...{ defaultSeat, allowDowngrade, seatLimits, requireEmail, importExisting, emailChange, drift, inviteTtlDays },
    ...(mapping ?? {}),
  };
}

/** One line for a log or a terminal: `mapping.yaml:12: groups.Sales.seat: …`. */
export function describeProblem(file: string, { line, key, message }: MappingProblem): string {
  return `${file}:${String(line)}: ${key === '' ? '' : `${key}: `}${message}`;
}

type Report = (path: readonly PropertyKey[], message: string) => void;

/** Names and list items that are the same once folded. Works on unchecked data, so that nothing hides it. */
function checkNames(data: unknown, report: Report): void {
  if (!isRecord(data)) return;
  for (const key of ['roles', 'groups'] as const) {
    const map = data[key];
    if (isRecord(map)) checkDuplicates(Object.keys(map), (at) => [key, at.name], report);
  }
  for (const key of ['neverTouch', 'inviteOnly', 'verifiedDomains', 'allowDangerousShares'] as const) {
    const list = data[key];
    if (!Array.isArray(list)) continue;
    checkDuplicates(
      list.map((item) => (typeof item === 'string' ? item : null)),
      (at) => [key, at.index],
      report,
    );
  }
}

function checkDuplicates(
  names: readonly (string | null)[],
  path: (at: { readonly name: string; readonly index: number }) => KeyPath,
  report: Report,
): void {
  const seen = new Map<string, string>();
  names.forEach((name, index) => {
    if (name === null) return;
    const key = fold(name.trim());
    const before = seen.get(key);
    if (key === '') report(path({ name, index }), 'is empty');
    else if (before === undefined) seen.set(key, name);
    else
      report(
        path({ name, index }),
        `"${name}" is the same as "${before}" above; capitals and spaces around it do not count`,
      );
  });
}

/** What only shows across keys: a resource twice for one principal, a name for what SCIM may not give. */
function checkShares(source: MappingSource, report: Report): void {
  for (const [name, group] of Object.entries(source.groups ?? {})) {
    checkResources(group.shares ?? [], ['groups', name, 'shares'], new Set(), report);
  }
  const byPrincipal = new Map<string, Set<string>>();
  (source.shares ?? []).forEach((entry, index) => {
    const principal = fold(`${entry.groupId ?? ''}|${(entry.group ?? '').trim()}|${entry.workspaceApiKeyId ?? ''}`);
    const resources = byPrincipal.get(principal) ?? new Set();
    byPrincipal.set(principal, resources);
    checkResources(entry.shares, ['shares', index, 'shares'], resources, report);
  });
  const allowed = allowedDangers(source);
  const values = new Set<string>();
  (source.entitlements ?? []).forEach(({ value }, index) => {
    const share = readEntitlement(value);
    if ('problem' in share) return;
    const path = ['entitlements', index, 'value'];
    const dangers = dangersOf(share).filter((danger) => !allowed.has(danger));
    if (dangers.length > 0) {
      report(path, `an IdP cannot give this: list ${dangers.join(' and ')} under allowDangerousShares if it shall`);
    }
    if (values.has(entitlementOf(share))) report(path, `"${value}" is listed twice`);
    values.add(entitlementOf(share));
  });
}

function checkResources(shares: readonly MappedShare[], path: KeyPath, seen: Set<string>, report: Report): void {
  shares.forEach(({ resource }, index) => {
    const key = resourceKey(resource);
    if (seen.has(key))
      report([...path, index], `${key} is listed twice for the same principal; only one role can hold`);
    seen.add(key);
  });
}

function allowedDangers({ allowDangerousShares: allow }: MappingSource): ReadonlySet<string> {
  if (allow === true) return new Set(DANGERS);
  return new Set(Array.isArray(allow) ? allow : []);
}

function toMapping(source: MappingSource): Mapping {
  const { builtin = true, ...roles } = source.roles ?? {};
  const groups = Object.entries(source.groups ?? {}).map(([name, group]) => ({ key: fold(name.trim()), ...group }));
  const allowed = allowedDangers(source);
  return {
    roleSeats: new Map<string, SeatType>([
      ...(builtin ? BUILT_IN_ROLE_SEATS : []),
      ...Object.entries(roles).map(([name, seat]) => [fold(name.trim()), seat] as const),
    ]),
    groupSeats: new Map(groups.flatMap(({ key, seat }) => (seat ? [[key, seat] as const] : []))),
    groupAliases: new Map(
      groups.flatMap(({ key, workspaceGroup }) =>
        workspaceGroup ? [[key, fold(workspaceGroup.trim())] as const] : [],
      ),
    ),
    groupShares: new Map(groups.flatMap(({ key, shares }) => (shares?.length ? [[key, shares] as const] : []))),
    ...principalShares(source),
    neverTouch: new Set((source.neverTouch ?? []).map(foldAddress)),
    inviteOnly: source.inviteOnly?.map((pattern) => fold(pattern.trim())) ?? null,
    verifiedDomains: new Set((source.verifiedDomains ?? []).map((domain) => fold(domain.trim()))),
    dangerousSharesByScim: DANGERS.every((danger) => allowed.has(danger)),
    allowedDangerousShares: allowed,
    namedEntitlements: (source.entitlements ?? []).map(toNamed),
  };
}

function toNamed({
  value,
  display,
  description,
}: NonNullable<MappingSource['entitlements']>[number]): NamedEntitlement {
  return { value: value.trim(), display: display.trim(), description: description?.trim() ?? null };
}

function principalShares(source: MappingSource): Pick<Mapping, 'fixedShares' | 'workspaceGroupShares'> {
  const fixed: { principal: Principal; share: MappedShare }[] = [];
  const byGroup = new Map<string, MappedShare[]>();
  for (const { groupId, group, workspaceApiKeyId, shares } of source.shares ?? []) {
    if (group !== undefined) {
      const key = fold(group.trim());
      byGroup.set(key, [...(byGroup.get(key) ?? []), ...shares]);
      continue;
    }
    const principal = principalOf(groupId, workspaceApiKeyId);
    if (principal !== null) fixed.push(...shares.map((share) => ({ principal, share })));
  }
  return { fixedShares: fixed, workspaceGroupShares: byGroup };
}

function principalOf(groupId: string | undefined, keyId: string | undefined): Principal | null {
  if (keyId !== undefined) return { kind: 'key', keyId };
  if (groupId === undefined) return null;
  return groupId === 'default' ? { kind: 'default' } : { kind: 'group', groupId: groupId as WorkspaceGroupId };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `groups["Sales, EMEA"].shares[0]` */
function formatKey(path: KeyPath): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${String(step)}]`;
      if (!/^[A-Za-z_][\w-]*$/.test(step)) return `[${JSON.stringify(step.slice(0, 80))}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join('');
}
