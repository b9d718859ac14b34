export function manifestProblems(objects: readonly object[]): Promise<string[]>;
