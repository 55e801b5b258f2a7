// A certified authorization server on a free loopback port. It prints its issuer, and serves until stdin ends.
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const settings = JSON.parse(process.argv[2]);
const server = createServer().listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: settings.clients,
    scopes: ["openid", "email", ...settings.scopes],
    claims: { openid: ["sub", ...settings.claims], email: ["email"] },
    extraTokenClaims: () => settings.token_claims,
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, ...settings.account }) }),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => settings.audience,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: settings.scopes.join(" "),
          audience: settings.audience,
          accessTokenFormat: "jwt",
          accessTokenTTL: 300,
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
    cookies: { keys: ["of the tests"] },
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
process.stdin.on("end", () => process.exit(0)).resume();
