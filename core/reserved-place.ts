/** The one folder of the store in which the server keeps what is its own; no account gets there. */
export const reservedFolder = ".ferrygate";

/** True for that folder and everything in it. */
export function isReserved(objectKey: string): boolean {
  return objectKey === reservedFolder || objectKey.startsWith(`${reservedFolder}/`);
}
