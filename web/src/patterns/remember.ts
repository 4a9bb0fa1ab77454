// Small preferences kept in this browser. Storage may be switched off; then nothing is kept.
export function recall(name: string): string | null {
  try {
    return localStorage.getItem(`bulkhead.${name}`);
  } catch {
    return null;
  }
}

export function remember(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`bulkhead.${name}`);
    else localStorage.setItem(`bulkhead.${name}`, value);
  } catch {
    return;
  }
}
