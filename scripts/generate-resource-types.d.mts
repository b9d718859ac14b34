/** Where the generated file lives. */
export const TARGET: string;
/** The text of src/domain/resource-types.ts for the installed SDK. */
export function renderResourceTypes(): string;
