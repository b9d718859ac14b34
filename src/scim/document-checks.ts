/** What must hold for a document as a whole, whichever way it was written. */
import { isList, isObject } from '../domain/match.js';
import { BRIDGE_GROUP, type Attribute, type ResourceType } from '../domain/schema.js';
import type { MappedShare } from '../domain/rules.js';
import { namesResourceType, parseEntitlement, shareProblem } from '../domain/shares.js';
import type { Document, Json, ShareRole } from '../domain/types.js';
import type { Refuse } from '../domain/withdrawal.js';
import { invalidValue } from '../errors.js';
import { MAX_ELEMENTS } from './values.js';

/** Rules of the operator that a document must satisfy; asked only about what a write adds. */
export interface DocumentChecks {
  /** Throws ScimError 400 where the share may not be given through SCIM. */
  readonly share?: (share: MappedShare, attribute: 'entitlements' | 'shares') => void;
  /** Told of what is left out; without it, the first value that is refused is thrown. */
  readonly refuse?: Refuse;
}

/** Throws ScimError `invalidValue` naming attribute and reason. */
export function checkDocument(
  type: ResourceType,
  previous: Document | null,
  document: Document,
  checks: DocumentChecks,
): void {
  for (const attribute of type.core.attributes) checkAttribute(attribute, document[attribute.name], attribute.name);
  for (const { id, attributes } of type.extensions) {
    const extension = document[id];
    if (isObject(extension))
      for (const attribute of attributes)
        checkAttribute(attribute, extension[attribute.name], `${id}:${attribute.name}`);
  }
  checkEntitlements(previous, document, checks);
  checkShares(previous, document, checks);
}

/**
 * Names are folded and compared with others again and again; a group of which the name has eight
 * mebibytes of ligatures took half a minute. No IdP has names of more than some hundred characters.
 */
const MAX_NAME = 1024;
const NAMES: ReadonlySet<string> = new Set(['userName', 'displayName', 'externalId']);

function checkAttribute(attribute: Attribute, value: Json | undefined, where: string): void {
  if (typeof value === 'string' && value.length > MAX_NAME && NAMES.has(attribute.name))
    throw invalidValue(`${where} has more than ${MAX_NAME} characters.`);
  const isMissing =
    attribute.type === 'string' ? typeof value !== 'string' || value.trim() === '' : value === undefined;
  if (attribute.required && isMissing) throw invalidValue(`${where} is required and must not be empty.`);
  if (!isList(value)) return;
  if (value.length > MAX_ELEMENTS) throw invalidValue(`${where}: more than ${MAX_ELEMENTS} elements.`);
  const required = attribute.subAttributes.filter((sub) => sub.required);
  value.forEach((element, index) => {
    const missing = required.find((sub) => !isObject(element) || element[sub.name] === undefined);
    if (missing !== undefined) throw invalidValue(`${where}[${index}]: ${missing.name} is missing.`);
  });
}

function checkEntitlements(previous: Document | null, document: Document, checks: DocumentChecks): void {
  const valuesOf = (list: Json | undefined): readonly string[] =>
    isList(list)
      ? list.flatMap((element) => (isObject(element) && typeof element['value'] === 'string' ? [element['value']] : []))
      : [];
  const known = new Set(valuesOf(previous?.['entitlements']));
  for (const value of valuesOf(document['entitlements'])) {
    // One of a type that ElevenLabs does not have is somebody else's: kept and without effect, like an unknown role.
    if (known.has(value) || !namesResourceType(value)) continue;
    const share = parseEntitlement(value);
    checks.share?.(share, 'entitlements');
  }
}

function checkShares(previous: Document | null, document: Document, checks: DocumentChecks): void {
  const sharesOf = (of: Document | null): readonly Json[] => {
    const extension = of?.[BRIDGE_GROUP];
    const list = isObject(extension) ? extension['shares'] : undefined;
    return isList(list) ? list : [];
  };
  const known = new Set(sharesOf(previous).map((share) => JSON.stringify(share)));
  for (const share of sharesOf(document)) {
    if (known.has(JSON.stringify(share)) || !isObject(share)) continue;
    const [type, id, role] = [share['resourceType'], share['resourceId'], share['role']].map(String) as [
      string,
      string,
      string,
    ];
    const problem = shareProblem(type, id, role);
    if (problem !== null) throw invalidValue(`shares: ${problem}.`);
    checks.share?.({ resource: { type, id }, role: role as ShareRole }, 'shares');
  }
}
