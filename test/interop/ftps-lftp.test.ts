import { password } from "../support/product.ts";
import { programOrSkip } from "../support/require-program.ts";
import { clientScript } from "./client-script.ts";
import { ftpsEndpoint, ftpsModes, largestBytes } from "./ftps-endpoint.ts";
import { lftpClient, quoted } from "./lftp-client.ts";

for (const mode of ftpsModes) {
  const client = lftpClient((site) => {
    const { host, port } = ftpsEndpoint(site, mode);
    return [
      "set ftp:ssl-force yes",
      "set ftp:ssl-protect-data yes",
      "set ssl:verify-certificate no",
      `open -u tester,${quoted(password)} ${mode === "explicit" ? "ftp" : "ftps"}://${host}:${port}`,
    ];
  });
  clientScript(`lftp over ${mode} FTPS`, client, programOrSkip("lftp"), largestBytes[mode]);
}
