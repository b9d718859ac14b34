/** Where the bridge does otherwise than the letter of a specification, and why. The report of its own copy lists them. */

export interface KnownDeviation {
  readonly section: string;
  readonly what: string;
  readonly why: string;
}

export const DEVIATIONS: readonly KnownDeviation[] = [
  {
    section: 'RFC 7644 3.5.2.2',
    what: '`remove` with a `value` removes only what the value lists; the letter would remove everything.',
    why: 'Entra ID and JumpCloud remove single members this way: the letter would empty the group.',
  },
  {
    section: 'RFC 7644 3.5.2.3',
    what: '`replace` through a filter without a match creates the element where the filter describes it by a canonical type or by `primary`; any other filter is `noTarget`.',
    why: 'Entra ID creates elements by such paths.',
  },
  {
    section: 'RFC 7644 3.5.2.1',
    what: '`add` through a filter without a match creates the element, of any type.',
    why: 'Entra ID does so with types of an administrator’s choice, too.',
  },
  {
    section: 'RFC 7643 4.1.1',
    what: '`active` is announced as required and cannot be removed (`mutability`); a POST without it means true.',
    why: 'Neither true nor false can be meant by nothing, and a guess would give or take access.',
  },
  {
    section: 'RFC 7644 3.5.1',
    what: 'A PUT of a Group without `members` keeps the members; one of a User keeps `active` and extensions that it does not name.',
    why: 'A group that is emptied by mistake takes access from everybody in it; identity providers do not know the extension of the bridge.',
  },
  {
    section: 'RFC 7643 4.2',
    what: 'Groups cannot be members of groups.',
    why: 'ElevenLabs has no nested groups.',
  },
  {
    section: 'RFC 7644 3.12',
    what: 'The strings "True" and "False" are taken for booleans.',
    why: 'Entra ID sends them.',
  },
  {
    section: 'RFC 9865 2',
    what: '`totalResults` is counted for the first page and repeated on the others.',
    why: 'Counting a filtered list for each page would cost as much as reading it.',
  },
];
