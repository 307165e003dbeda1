/**
 * Content-Disposition for a file to be saved under this name (RFC 6266): in ASCII for old programs, and for all others
 * in full (RFC 8187). Names have no control characters.
 */
export function attachment(name: string): string {
  const fallback = name.replaceAll(/[^\x20-\x7e]|["\\%]/gu, "_");
  const ascii = `attachment; filename="${fallback}"`;
  return fallback === name ? ascii : `${ascii}; filename*=UTF-8''${extendedValue(name)}`;
}

/** RFC 8187 §3.2.1 leaves fewer characters as they are than encodeURIComponent does. */
function extendedValue(text: string): string {
  const encode = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replaceAll(/['()*]/g, encode);
}
