/** True for a name that NLST and LIST take as a pattern when nothing has that very name. */
export function isPattern(name: string): boolean {
  return /[*?]/.test(name);
}

/** True when `*` (any characters) and `?` (one) in the pattern can make it the name. Takes at most length² steps. */
export function matchesPattern(name: string, pattern: string): boolean {
  const [characters, signs] = [[...name], [...pattern]];
  let [at, sign, starSign, starAt] = [0, 0, -1, 0];
  while (at < characters.length) {
    if (signs[sign] === "*") [starSign, starAt, sign] = [sign, at, sign + 1];
    else if (signs[sign] === "?" || signs[sign] === characters[at]) [at, sign] = [at + 1, sign + 1];
    else if (starSign >= 0) [starAt, at, sign] = [starAt + 1, starAt + 1, starSign + 1];
    else return false;
  }
  return signs.slice(sign).every((rest) => rest === "*");
}
