/**
 * Whether a path is meant by a search: it is exactly that one, or lies below it where the search ends in `/`. `*`
 * stands for any characters, `/` among them, and everything else for itself, letter by letter.
 */
export function pathSearch(search: string): (path: string) => boolean {
  const isFolder = search.endsWith("/");
  const [first = "", ...others] = `${search}${isFolder ? "*" : ""}`.split("*");
  const last = others.pop();
  if (last === undefined) return (path) => path === search;
  return (path) => {
    const end = path.length - last.length;
    if (!path.startsWith(first) || !path.endsWith(last) || (isFolder && path === search)) return false;
    let position = first.length;
    for (const piece of others) {
      const found = path.indexOf(piece, position);
      if (found < 0) return false;
      position = found + piece.length;
    }
    return position <= end;
  };
}
