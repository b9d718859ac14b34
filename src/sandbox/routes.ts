/**
 * The routes of the workspace API, one row each: what it needs and what it does. A row sees the
 * body only after the caller has been let in, so that the order of refusals is the documented one.
 */
import { ACCOUNT_ROUTES } from './account-routes.js';
import { GROUP_ROUTES, INVITE_ROUTES, MEMBER_ROUTES } from './people-routes.js';
import { RESOURCE_ROUTES, SERVICE_ACCOUNT_ROUTES } from './resource-routes.js';
import type { Route } from './route.js';

export const ROUTES: readonly Route[] = [
  ...ACCOUNT_ROUTES,
  ...MEMBER_ROUTES,
  ...INVITE_ROUTES,
  ...GROUP_ROUTES,
  ...RESOURCE_ROUTES,
  ...SERVICE_ACCOUNT_ROUTES,
];
