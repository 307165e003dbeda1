import type { Endpoint } from "../support/product.ts";
import type { Site } from "./client-script.ts";

/** TLS from AUTH TLS on, or from the first byte. */
export type FtpsMode = "explicit" | "implicit";

export const ftpsModes: readonly FtpsMode[] = ["explicit", "implicit"];

/** Data travels the same way in both modes, so one of them is enough for the largest file. */
export const largestBytes: Readonly<Record<FtpsMode, number>> = { explicit: 1024 ** 3, implicit: 10_000_000 };

export function ftpsEndpoint({ product }: Site, mode: FtpsMode): Endpoint {
  const { ftps, ftpsImplicit } = product.endpoints;
  const endpoint = mode === "explicit" ? ftps : ftpsImplicit;
  if (!endpoint) throw new Error(`the product has no listener for ${mode} FTPS`);
  return endpoint;
}
