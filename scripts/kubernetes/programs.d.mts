export function fetchPrograms(): { readonly helm: string; readonly kubectl: string };
