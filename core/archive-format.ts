/** In which form `compress` puts a file, and `extract` takes it. gzip holds one file, the others any number. */
export const packFormats = ["gzip", "zip", "tar", "tar.gz"] as const;

export type PackFormat = (typeof packFormats)[number];

export type ArchiveFormat = Exclude<PackFormat, "gzip">;

/** What stands behind the name of a file that was compressed so. */
export const packExtensions: Readonly<Record<PackFormat, string>> = {
  gzip: ".gz",
  zip: ".zip",
  tar: ".tar",
  "tar.gz": ".tar.gz",
};
