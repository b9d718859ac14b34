export function nextVersion(present: string, wanted: string | undefined): string;
export function releaseChangelog(text: string, version: string, day: string): string;
