export function addonFolder(): string;
export function collectAddon(root: string, addons: string): string;
export function makePackage(options: { root: string; addons: string; out: string }): string;
