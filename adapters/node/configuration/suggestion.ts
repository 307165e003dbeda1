/** ` — did you mean "password"?` when one of `known` is close to `word`, otherwise the empty string. */
export function suggestionFor(word: string, known: readonly string[]): string {
  const tolerated = Math.max(1, Math.floor(word.length / 3));
  let nearest: { readonly name: string; readonly distance: number } | undefined;
  for (const name of known) {
    if (Math.abs(name.length - word.length) > tolerated) continue;
    const distance = editDistance(word.toLowerCase(), name.toLowerCase());
    if (distance <= tolerated && distance < (nearest?.distance ?? Infinity)) nearest = { name, distance };
  }
  return nearest ? ` — did you mean ${JSON.stringify(nearest.name)}?` : "";
}

/**
 * The optimal string alignment distance: how many characters have to be put in, left out or replaced, or exchanged
 * with their neighbour.
 */
function editDistance(from: string, to: string): number {
  let [before, row]: [number[], number[]] = [[], Array.from({ length: to.length + 1 }, (_, column) => column)];
  for (let y = 1; y <= from.length; y++) {
    const next = [y];
    for (let x = 1; x <= to.length; x++) {
      const replaced = (row[x - 1] ?? 0) + (from[y - 1] === to[x - 1] ? 0 : 1);
      const isExchange = y > 1 && x > 1 && from[y - 1] === to[x - 2] && from[y - 2] === to[x - 1];
      const exchanged = isExchange ? (before[x - 2] ?? 0) + 1 : Infinity;
      next.push(Math.min(replaced, exchanged, (row[x] ?? 0) + 1, (next[x - 1] ?? 0) + 1));
    }
    [before, row] = [row, next];
  }
  return row[to.length] ?? 0;
}
