/** `next` comes from the address bar: only a path of this site is followed. */
export function ownAddress(next: string | undefined): string | undefined {
  return next && /^\/(?![/\\])/.test(next) ? next : undefined;
}
