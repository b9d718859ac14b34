/** Where the sections of the admin page are, below /admin. One that is added is in every test of all pages. */
import { SECTIONS, sectionPath } from '../../src/admin/layout.js';

export const ADMIN_PAGES: readonly string[] = SECTIONS.map(([section]) =>
  sectionPath(section)
    .map((part) => `/${part}`)
    .join(''),
);
