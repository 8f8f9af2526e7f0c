// oidc-provider on a port: a client of its own gets access tokens that are JWTs, for the audience "ccomet".
import { Provider } from 'oidc-provider';

const [port] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [{ client_id: 'chat', client_secret: 'chat-secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: [] }],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({ scope: 'push', audience: 'ccomet', accessTokenFormat: 'jwt', accessTokenTTL: 600 }),
    },
  },
  extraTokenClaims: () => ({ 'ccomet:publish': ['room.*', 'news'] }),
});
provider.listen(Number(port), '127.0.0.1', () => console.log(`issuer ${issuer}`));
