export function renderChart(args: readonly string[]): string;
export function generate(options: { readonly check: boolean }): string[];
