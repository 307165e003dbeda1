import { ftpsFileClient } from "../support/file-clients.ts";
import type { Endpoint } from "../support/product.ts";
import { filesScript } from "./files-script.ts";

const endpointOf = (endpoint: Endpoint | undefined): Endpoint => {
  if (!endpoint) throw new Error("the product has no such listener");
  return endpoint;
};

filesScript("ftps", ({ endpoints }, _identity, user) => ftpsFileClient(endpointOf(endpoints.ftps), true, user));
filesScript("ftps", ({ endpoints }, _identity, user) =>
  ftpsFileClient(endpointOf(endpoints.ftpsImplicit), "implicit", user),
);
