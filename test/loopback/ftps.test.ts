import { ftpsFileClient } from "../support/file-clients.ts";
import type { Endpoint } from "../support/product.ts";
import { type Connect, filesScript } from "./files-script.ts";
import { inS3 } from "./s3-store.ts";

const endpointOf = (endpoint: Endpoint | undefined): Endpoint => {
  if (!endpoint) throw new Error("the product has no such listener");
  return endpoint;
};

const connect: Connect = ({ endpoints }, _identity, user) => ftpsFileClient(endpointOf(endpoints.ftps), true, user);

filesScript("ftps", connect);
filesScript("ftps", connect, inS3);
filesScript("ftps", ({ endpoints }, _identity, user) =>
  ftpsFileClient(endpointOf(endpoints.ftpsImplicit), "implicit", user),
);
