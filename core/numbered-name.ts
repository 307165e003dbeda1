import { partsOf } from "./destination-template.ts";

/** A virtual path, and the place in the store with the same name at its end. */
export interface NumberedPlace {
  readonly path: string;
  readonly objectKey: string;
}

/** `a-1.pdf` for `a.pdf`, at both; number 0 changes nothing. */
export function numbered({ path, objectKey }: NumberedPlace, number: number): NumberedPlace {
  if (number === 0) return { path, objectKey };
  return { path: numberedEnd(path, number), objectKey: numberedEnd(objectKey, number) };
}

function numberedEnd(path: string, number: number): string {
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  return `${folder}${numberedName(path.slice(folder.length), number)}`;
}

/** `a-1.pdf` for `a.pdf`. */
export function numberedName(name: string, number: number): string {
  const { stem, extension } = partsOf(name);
  return `${stem}-${number}${extension === "" ? "" : `.${extension}`}`;
}
