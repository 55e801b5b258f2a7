// A strict OAuth2 client, which throws at whatever the RFCs do not allow. It prints what it was told, as JSON.
import * as oauth from "oauth4webapi";

const [issuer, audience, credentials] = [process.argv[2], process.argv[3], JSON.parse(process.argv[4])];
const insecure = { [oauth.allowInsecureRequests]: true }; // loopback has no TLS
const url = new URL(issuer);
const found = await oauth.discoveryRequest(url, { algorithm: "oauth2", ...insecure });
const server = await oauth.processDiscoveryResponse(url, found);

async function ask(client, authentication, parameters) {
  const wish = new URLSearchParams(parameters);
  const answer = await oauth.clientCredentialsGrantRequest(server, client, authentication, wish, insecure);
  return oauth.processClientCredentialsResponse(server, client, answer);
}

async function describe(client, authentication, token) {
  const answer = await oauth.introspectionRequest(server, client, authentication, token, insecure);
  return oauth.processIntrospectionResponse(server, client, answer);
}

async function verify(token) {
  const request = new Request(issuer, { headers: { authorization: `Bearer ${token.access_token}` } });
  return oauth.validateJwtAccessToken(server, request, audience, insecure);
}

const { secret, signer } = credentials;
const client = { client_id: secret.client_id };
const basic = oauth.ClientSecretBasic(secret.client_secret);
const post = oauth.ClientSecretPost(secret.client_secret);
const first = await ask(client, basic, { audience });
const again = await ask(client, post, { resource: audience, scope: "write:traces" });

const refreshed = await oauth.processRefreshTokenResponse(
  server,
  client,
  await oauth.refreshTokenGrantRequest(server, client, basic, first.refresh_token, insecure),
);
const before = await describe(client, basic, refreshed.access_token);
const revoked = await oauth.revocationRequest(server, client, basic, refreshed.access_token, insecure);
await oauth.processRevocationResponse(revoked);
const after = await describe(client, basic, refreshed.access_token);

const algorithm = { name: "ECDSA", namedCurve: "P-256" };
const key = await crypto.subtle.importKey("jwk", signer.jwk, algorithm, false, ["sign"]);
const signing = { client_id: signer.client_id };
const signed = await ask(signing, oauth.PrivateKeyJwt({ key, kid: signer.jwk.kid }), { audience });

let refusal;
try {
  await ask(client, oauth.ClientSecretBasic("wrong"), {});
} catch (error) {
  refusal = { status: error.status, challenge: error.cause };
}
const tokens = { first, again, refreshed, signed };
const claims = {};
for (const [name, token] of Object.entries(tokens)) claims[name] = await verify(token);
console.log(JSON.stringify({ claims, scope: again.scope, before, after, refusal }));
