import { createHash, generateKeyPairSync } from 'node:crypto'

// Nothing here is written out: values are made at run time and prefixes put together, so that no scanner takes this project for a leak.

/** Bytes that look random and are the same in every run. */
function bytes (seed: string, length: number): Buffer {
  const parts: Buffer[] = []
  for (let round = 0; parts.length * 64 < length; round++) parts.push(createHash('sha512').update(`${seed} ${round}`).digest())
  return Buffer.concat(parts).subarray(0, length)
}

function pick (alphabet: string) {
  return (seed: string, length: number): string => [...bytes(seed, length)].map((byte) => alphabet[byte % alphabet.length]!).join('')
}

export const letters = pick('ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789')
export const hex = pick('0123456789abcdef')
export const digits = pick('123456789')
const capitals = pick('ABCDEFGHJKLMNPQRSTUVWXYZ23456789')
const plain = pick('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ')
export const base64 = (seed: string, length: number): string => bytes(seed, length).toString('base64')

const join = (...parts: string[]): string => parts.join('')
/** Of one line, as a secret manager gives it. */
const pem = (seed: string, kind: string, length = 300): string => `-----BEGIN ${kind}-----\n${base64(seed, length).replace(/(.{64})/g, '$1\n')}\n-----END ${kind}-----`

export interface Planted {
  /** What must not be seen. */
  value: string
  /** The text in which it stands in code, configuration or a command. */
  around: (value: string) => string
}

const bare = (value: string): Planted => ({ value, around: (secret) => `value: ${secret}` })
const within = (value: string, around: (value: string) => string): Planted => ({ value, around })

/** Secrets by kind, each as somebody would leave it behind. */
export const SECRETS: Readonly<Record<string, Planted>> = {
  'AWS identifier': bare(join('AK', 'IA', capitals('aws id', 16))),
  'AWS temporary identifier': bare(join('AS', 'IA', capitals('aws sts', 16))),
  'AWS secret in Python': within(letters('1', 40), (value) => `AWS_SECRET_ACCESS_KEY = "${value}"`),
  'AWS secret in an environment': within(letters('2', 40), (value) => `export aws_secret_access_key=${value}`),
  'AWS secret in JavaScript': within(letters('3', 40), (value) => `const client = { secretAccessKey: '${value}', region: 'eu' }`),
  'AWS secret in JSON': within(letters('4', 40), (value) => `{ "SecretAccessKey" : "${value}" }`),
  'AWS secret far from its name': within(letters('5', 40), (value) => `SecretAccessKey:${' '.repeat(80)}${value}`),
  'Google key': within(join('AI', 'za', letters('google', 35)), (value) => `maps?key=${value}&v=3`),
  'Google client secret': bare(join('GOC', 'SPX-', letters('gocspx', 28))),
  'Google access token': bare(join('ya', '29.', letters('ya29', 80))),
  'Google service account': within(base64('gcp', 48), (value) => `{ "type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\\n${value}\\n-----END PRIVATE KEY-----\\n" }`),
  'Azure storage key': within(base64('azure', 64), (value) => `DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=${value};EndpointSuffix=core.windows.net`),
  'Azure shared access signature': within(encodeURIComponent(base64('sas', 32)), (value) => `https://shop.blob.core.windows.net/c?sv=2022-11-02&sp=r&sig=${value}`),
  'Azure client secret': bare(join(letters('azc', 3), '8Q', '~', letters('azd', 34))),
  'GitHub token': within(join('gh', 'p_', letters('7', 36)), (value) => `git clone https://x:${value}@github.com/a/b`),
  'GitHub token of an app': bare(join('gh', 's_', letters('ghs', 36))),
  'GitHub token, fine-grained': bare(join('github', '_pat_', letters('8', 22), '_', letters('9', 59))),
  'GitLab token': within(join('gl', 'pat-', letters('10', 20)), (value) => `PRIVATE-TOKEN: ${value}`),
  'GitLab runner token': bare(join('gl', 'rt-', letters('glrt', 20))),
  'Slack token': within(join('xo', 'xb-', '123456789012-1234567890123-', letters('11', 24)), (value) => `slack(${value})`),
  'Slack webhook': within(join('T', capitals('t', 8), '/B', capitals('b', 8), '/', letters('hook', 24)), (value) => `https://hooks.slack.com/services/${value}`),
  'Stripe key': within(join('sk', '_live_', letters('14', 24)), (value) => `stripe.api_key = '${value}'`),
  'Stripe restricted key': bare(join('rk', '_live_', letters('rk', 24))),
  'Stripe webhook secret': bare(join('wh', 'sec_', letters('whsec', 32))),
  'Twilio key': bare(join('S', 'K', hex('twilio', 32))),
  'Twilio auth token': within(hex('twilio auth', 32), (value) => `TWILIO_AUTH_TOKEN=${value}`),
  'SendGrid key': within(join('S', 'G.', letters('16', 22), '.', letters('17', 43)), (value) => `key: ${value}`),
  'Mailgun key': bare(join('key', '-', hex('mailgun', 32))),
  'npm token': within(join('np', 'm_', letters('12', 36)), (value) => `//registry.npmjs.org/:_authToken=${value}`),
  'npm token of another registry': within(letters('npmrc', 40), (value) => `//registry.example.com/:_authToken=${value}`),
  'PyPI token': bare(join('py', 'pi-', 'AgEIcHlwaS5vcmc', letters('pypi', 120))),
  'RubyGems key': bare(join('ruby', 'gems_', hex('gems', 48))),
  'Docker login': within(base64('docker', 30), (value) => `{ "auths": { "registry.example.com": { "auth": "${value}" } } }`),
  'Docker token': bare(join('dckr', '_pat_', letters('dckr', 27))),
  'JSON Web Token': within(join('ey', 'J', letters('19', 30), '.ey', 'J', letters('20', 60), '.', letters('21', 43)), (value) => `Authorization: Bearer ${value}`),
  'bearer token': within(letters('bearer', 40), (value) => `curl -H 'Authorization: Bearer ${value}' https://api.example.com`),
  'basic login': within(Buffer.from(`deploy:${letters('basic', 18)}`).toString('base64'), (value) => `headers = { "Authorization": "Basic ${value}" }`),
  'password of HTTP': within(letters('24', 16), (value) => `curl https://bot:${value}@example.com/x`),
  'password of PostgreSQL': within(letters('22', 16), (value) => `postgres://app:${value}@db:5432/app`),
  'password of MySQL': within(letters('mysql', 16), (value) => `jdbc:mysql://app:${value}@db:3306/app`),
  'password of MongoDB': within(letters('mongo', 16), (value) => `mongodb+srv://app:${value}@cluster0.abcde.mongodb.net/app`),
  'password of Redis': within(letters('redis', 16), (value) => `REDIS_URL=redis://default:${value}@cache:6379/0`),
  'password of RabbitMQ': within(letters('23', 16), (value) => `amqps://app:${value}@mq.internal/vhost`),
  'password of SQL Server': within(letters('ado', 18), (value) => `Server=db;Database=shop;User Id=app;Password=${value};Encrypt=true`),
  'password in YAML': within(letters('yaml', 20), (value) => `smtp:\n  password: ${value}\n`),
  'password in Python': within(letters('py', 14), (value) => `DB_PASSWORD = '${value}'`),
  'key in YAML': within(letters('yamlkey', 32), (value) => `api_key: "${value}"`),
  'key in JSON': within(hex('jsonkey', 40), (value) => `{ "apiKey": "${value}", "n": 1 }`),
  'key in Ruby': within(hex('rails', 128), (value) => `secret_key_base: ${value}`.replace('secret_key_base', 'config.secret_key')),
  'client secret': within(letters('client', 32), (value) => `client_secret => "${value}"`),
  'OpenAI key': within(join('sk', '-proj-', letters('13', 48)), (value) => `OPENAI_API_KEY="${value}"`),
  'OpenAI key of before': bare(join('sk', '-', letters('oa', 20), 'T3Blbk', 'FJ', letters('ob', 20))),
  'Anthropic key': bare(join('sk', '-ant-', 'api03-', letters('ant', 93), 'AA')),
  'Anthropic key for administration': bare(join('sk', '-ant-', 'admin01-', letters('adm', 90))),
  'Hugging Face token': bare(join('h', 'f_', plain('hf', 34))),
  'Telegram token': bare(join(digits('tg', 9), ':', 'AA', letters('telegram', 33))),
  'Discord token': bare(join('M', 'T', digits('dc', 2), letters('discord', 20), '.', letters('dd', 6), '.', letters('de', 38))),
  'Discord webhook': within(join(digits('dw', 18), '/', letters('dwh', 68)), (value) => `https://discord.com/api/webhooks/${value}`),
  'Shopify token': bare(join('shp', 'at_', hex('shopify', 32))),
  'Linear key': bare(join('lin', '_api_', letters('linear', 40))),
  'Databricks token': bare(join('da', 'pi', hex('dapi', 32))),
  'Vault token': within(join('hv', 's.', letters('18', 90)), (value) => `VAULT_TOKEN=${value}`),
  'DigitalOcean token': bare(join('dop', '_v1_', hex('do', 64))),
  'New Relic key': bare(join('NR', 'AK-', capitals('nr', 27))),
  'Atlassian token': bare(join('ATA', 'TT3', letters('atl', 150))),
  'Grafana token': bare(join('gl', 'sa_', letters('gf', 32), '_', hex('gf', 8))),
  'age key': bare(join('AGE-SECRET', '-KEY-1', capitals('age', 58))),
  'Kubernetes client key': within(base64('kube', 120), (value) => `users:\n- name: admin\n  user:\n    client-key-data: ${value}\n`),
  'Kubernetes token': within(letters('kubet', 60), (value) => `users:\n- name: ci\n  user:\n    token: ${value}\n`),
  'login of .netrc': within(letters('netrc', 14), (value) => `machine api.internal login bot password ${value}`),
  'hash of .htpasswd': within(`$apr1$${letters('salt', 8)}$${letters('htpasswd', 22)}`, (value) => `admin:${value}`),
  'PGP key': within(base64('pgp', 48), (value) => `-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\n${value}\n-----END PGP PRIVATE KEY BLOCK-----`)
}

/** Private keys, which have lines. */
export function privateKeys (): Record<string, string> {
  const { privateKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    'PKCS #1': String(rsa.export({ type: 'pkcs1', format: 'pem' })),
    'PKCS #8, encrypted': String(rsa.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })),
    'PKCS #1, encrypted': String(rsa.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' })),
    Ed25519: String(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })),
    'elliptic curve': String(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' })),
    OpenSSH: pem('openssh', 'OPENSSH PRIVATE KEY'),
    DSA: pem('dsa', 'DSA PRIVATE KEY')
  }
}

const uuid = (seed: string): string => hex(seed, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

/** Text that looks random, and is no secret: line `n` of a kind. */
export const ORDINARY: Readonly<Record<string, (seed: string) => string>> = {
  'commit hash': (seed) => `Revert "Fix the cart" (${hex(seed, 40)})`,
  'short hash': (seed) => `index ${hex(seed, 7)}..${hex(`${seed}b`, 7)} 100644`,
  digest: (seed) => `FROM node:20@sha256:${hex(seed, 64)}`,
  checksum: (seed) => `${hex(seed, 64)}  shop-1.2.3.tar.gz`,
  integrity: (seed) => `      "integrity": "sha512-${base64(seed, 64)}",`,
  'yarn checksum': (seed) => `  checksum: 10c0/${hex(seed, 128)}`,
  'go.sum': (seed) => `github.com/a/b v1.2.3 h1:${base64(seed, 32)}`,
  'poetry hash': (seed) => `    {file = "a-1.0.whl", hash = "sha256:${hex(seed, 64)}"},`,
  UUID: (seed) => `id: ${uuid(seed)}`,
  'lock token': (seed) => `'Lock-Token': 'urn:uuid:${uuid(seed)}'`,
  'UUID of a token': (seed) => `token: "${uuid(seed)}"`,
  image: (seed) => `background: url(data:image/png;base64,${base64(seed, 180)})`,
  'source map': (seed) => `//# sourceMappingURL=data:application/json;base64,${base64(seed, 120)}`,
  'public key': (seed) => `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${base64(seed, 32)} you@example.com`,
  certificate: (seed) => `-----BEGIN CERTIFICATE-----\n${base64(seed, 48)}\n-----END CERTIFICATE-----`,
  'test name': (seed) => `test('rejects_token_${letters(seed, 4)}_when_expired_after_${digits(seed, 2)}_days', () => {`,
  'snake case': (seed) => `expect_password_reset_email_${digits(seed, 3)}_to_be_sent_to_user(account_key)`,
  'camel case': (seed) => `const accessTokenValidator${digits(seed, 2)} = createAccessTokenValidator${digits(`${seed}b`, 2)}(options.accessTokenSecret)`,
  environment: (seed) => `password = os.environ["SHOP_PASSWORD_${digits(seed, 3)}"]`,
  'reading of a key': (seed) => `const apiKey = process.env.SHOP_API_KEY_${digits(seed, 3)}`,
  'key of an object': (seed) => `cache.set({ key: '${letters(seed, 24)}', value })`,
  'name of a secret': (seed) => `secretName: shop-tls-${hex(seed, 8)}`,
  'hash of a password': (seed) => `password_hash: "${hex(seed, 64)}"`,
  'type of a token': (seed) => `token_type: "urn:ietf:params:oauth:token-type:${letters(seed, 8)}"`,
  address: (seed) => `https://cdn.example.com/assets/${hex(seed, 20)}/main.${hex(`${seed}b`, 8)}.js?v=${digits(seed, 6)}`,
  'revision in an address': (seed) => `git+https://github.com/a/b.git#${hex(seed, 40)}`,
  'font subset': (seed) => `src: url(/fonts/${letters(seed, 22)}.woff2) format('woff2');`,
  'placeholder of a password': (seed) => `password: "change-me-${digits(seed, 4)}"`,
  ETag: (seed) => `etag: W/"${base64(seed, 20)}"`,
  nonce: (seed) => `Content-Security-Policy: script-src 'nonce-${base64(seed, 16)}'`,
  bytes: (seed) => `const MAGIC = [${[...bytes(seed, 12)].map((byte) => `0x${byte.toString(16)}`).join(', ')}]`,
  'CSS class': (seed) => `.Button_root__${letters(seed, 5)} { color: #${hex(seed, 6)} }`,
  'docker digest': (seed) => `image: registry.example.com/shop@sha256:${hex(seed, 64)}`,
  trace: (seed) => `traceparent: 00-${hex(seed, 32)}-${hex(`${seed}b`, 16)}-01`
}
