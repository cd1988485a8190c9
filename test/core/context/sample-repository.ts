import { createHash } from 'node:crypto'
import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { createRepository, git, writeFiles } from '../../support/repository.js'

/** A value that looks random and is the same in every run. */
function noise (seed: string, length: number): string {
  let text = ''
  for (let round = 0; text.length < length; round++) text += createHash('sha512').update(`${seed} ${round}`).digest('base64').replace(/[^A-Za-z0-9]/g, '')
  return text.slice(0, length)
}

/** Credentials that are planted in the repository, by the place where they stand. Put together here, so that no scanner takes this file for a leak. */
export const PLANTED = {
  environmentFile: noise('environment', 24),
  keyFile: noise('key', 64),
  tokenFile: noise('token', 40),
  stateFile: noise('state', 32),
  awsKeyInSource: noise('aws', 40),
  awsIdInSource: `AKIA${noise('id', 40).toUpperCase().slice(0, 16)}`,
  githubTokenInDocs: `ghp_${noise('github', 36)}`,
  addressInConfiguration: noise('address', 20),
  privateKeyInSource: noise('private', 64),
  slackTokenInCommit: `xoxb-123456789012-1234567890123-${noise('slack', 24)}`,
  npmTokenInDiff: `npm_${noise('npm', 36)}`,
  keyInDeletedLines: noise('deleted', 64),
  remotePassword: noise('remote', 20)
}

/** Files whose names say that they hold secrets; neither they nor their names may show. */
export const SECRET_FILES: Record<string, string> = {
  '.env': `DATABASE_PASSWORD=${PLANTED.environmentFile}\n`,
  'services/mailer/.env.production': `SMTP_PASSWORD=${PLANTED.environmentFile}\n`,
  'deploy/id_ed25519': `-----BEGIN OPENSSH PRIVATE KEY-----\n${PLANTED.keyFile}\n-----END OPENSSH PRIVATE KEY-----\n`,
  'deploy/server.key': `${PLANTED.keyFile}\n`,
  'web/.npmrc': `//registry.example.com/:_authToken=${PLANTED.tokenFile}\n`,
  'infra/terraform.tfstate': `{ "outputs": { "password": { "value": "${PLANTED.stateFile}" } } }\n`
}

/** A shop in several languages, with the usual company of its code. */
export const SAMPLE_FILES: Record<string, string> = {
  'README.md': '# Shop\n\nCustomers log in, fill a cart and pay. See docs/.\n',
  'CHANGELOG.md': '# Changelog\n\n## 1.1.0\n\n- Carts keep for 30 days\n',
  '.gitignore': 'node_modules/\ndist/\n.venv/\n',
  'pyproject.toml': '[project]\nname = "shop"\ndependencies = ["fastapi>=0.110", "sqlalchemy==2.0.29"]\n\n[tool.ruff]\nline-length = 100\n',
  'requirements.lock': 'fastapi==0.110.0\nsqlalchemy==2.0.29\n',
  'src/shop/__init__.py': '',
  'src/shop/cart.py': 'class Cart:\n    """Items of one customer."""\n\n    def __init__(self):\n        self.items = []\n\n    def total(self):\n        return sum(item.price for item in self.items)\n',
  'src/shop/orders.py': 'from shop.cart import Cart\n\n\ndef place_order(cart: Cart):\n    """Turns a cart into an order."""\n    return {"total": cart.total()}\n',
  'src/shop/auth/session.py': 'import secrets\n\n\ndef create_session(user_id):\n    """A session token for a user who has logged in."""\n    return f"{user_id}.{secrets.token_urlsafe()}"\n',
  'src/shop/auth/password.py': 'import hashlib\n\n\ndef verify_password(given, stored):\n    return hashlib.sha256(given.encode()).hexdigest() == stored\n',
  'src/shop/storage.py': `import boto3\n\nAWS_ACCESS_KEY_ID = "${PLANTED.awsIdInSource}"\nAWS_SECRET_ACCESS_KEY = "${PLANTED.awsKeyInSource}"\n\n\ndef upload(path):\n    boto3.client("s3").upload_file(path, "shop", path)\n`,
  'src/shop/signing.py': `KEY = """-----BEGIN EC PRIVATE KEY-----\n${PLANTED.privateKeyInSource}\n-----END EC PRIVATE KEY-----"""\n\n\ndef sign(message):\n    return KEY and message\n`,
  'tests/conftest.py': 'import pytest\n\n\n@pytest.fixture\ndef cart():\n    from shop.cart import Cart\n    return Cart()\n',
  'tests/test_cart.py': 'def test_empty_cart_costs_nothing(cart):\n    assert cart.total() == 0\n',
  'tests/test_session.py': 'from shop.auth.session import create_session\n\n\ndef test_session_names_the_user():\n    assert create_session(1).startswith("1.")\n',
  'services/mailer/go.mod': 'module example.com/mailer\n\ngo 1.22\n\nrequire github.com/wneessen/go-mail v0.4.1\n',
  'services/mailer/go.sum': 'github.com/wneessen/go-mail v0.4.1 h1:abc=\n',
  'services/mailer/main.go': 'package main\n\nfunc main() {\n\tserve(":8025")\n}\n',
  'services/mailer/send.go': 'package main\n\n// Send hands a message to the relay.\nfunc Send(to string, body string) error {\n\treturn nil\n}\n\nfunc serve(address string) {}\n',
  'services/mailer/send_test.go': 'package main\n\nimport "testing"\n\nfunc TestSend(t *testing.T) {\n\tif Send("a@example.com", "hello") != nil {\n\t\tt.Fatal("not sent")\n\t}\n}\n',
  'web/package.json': '{\n  "name": "shop-web",\n  "dependencies": { "react": "18.2.0" },\n  "devDependencies": { "vitest": "1.4.0" }\n}\n',
  'web/package-lock.json': '{ "lockfileVersion": 3, "packages": {} }\n',
  'web/tsconfig.json': '{ "compilerOptions": { "strict": true } }\n',
  'web/src/cart.ts': 'export interface Item { price: number }\n\nexport function total (items: Item[]): number {\n  return items.reduce((sum, { price }) => sum + price, 0)\n}\n',
  'web/src/cart.test.ts': "import { expect, test } from 'vitest'\nimport { total } from './cart'\n\ntest('empty', () => expect(total([])).toBe(0))\n",
  'web/src/Checkout.tsx': 'export function Checkout () {\n  return <form />\n}\n',
  'api/openapi.yaml': 'openapi: 3.1.0\ninfo: { title: Shop, version: 1.1.0 }\npaths:\n  /orders:\n    post:\n      responses: { "201": { description: Placed } }\n',
  'docs/architecture.md': '# Architecture\n\nA Python service takes orders, a Go service sends mail, a web client shows the shop.\n',
  'docs/adr/0001-orders-in-postgres.md': '# 1. Orders in PostgreSQL\n\nStatus: accepted\n\nOrders are kept in PostgreSQL, for its transactions.\n',
  'docs/guide/checkout.md': '# Checkout\n\nHow a customer pays.\n',
  'docs/operations.md': `# Operations\n\nThe bot pushes with ${PLANTED.githubTokenInDocs}.\n`,
  'config/settings.yaml': `database: postgres://shop:${PLANTED.addressInConfiguration}@db.internal:5432/shop\nport: 8000\n`,
  Dockerfile: 'FROM python:3.12-slim\nCOPY src /app\nUSER nobody\n',
  'docker-compose.yml': 'services:\n  db: { image: "postgres:16" }\n',
  'infra/main.tf': 'resource "aws_s3_bucket" "shop" {\n  bucket = "shop"\n}\n',
  '.github/workflows/ci.yml': 'name: ci\non: [push]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps: [{ run: pytest }]\n',
  'SECURITY.md': '# Security\n\nReport to security@example.com.\n',
  ...SECRET_FILES
}

/** Makes the sample with a few commits, a remote and uncommitted changes; everything in it was edited long ago but for those. */
export async function createSample (root: string): Promise<void> {
  const removed = `const KEY = \`-----BEGIN PRIVATE KEY-----\n${PLANTED.keyInDeletedLines}\n-----END PRIVATE KEY-----\`\n`
  await createRepository(root, { ...SAMPLE_FILES, 'web/src/legacy.ts': `${removed}export const legacy = true\n` })
  await writeFiles(root, { 'CHANGELOG.md': `${SAMPLE_FILES['CHANGELOG.md']}- The bot has a new token\n` })
  await git(root, 'commit', '--quiet', '--all', '--message', `Rotate the token\n\nIt was ${PLANTED.slackTokenInCommit}.`)
  const monthAgo = Date.now() / 1000 - 30 * 86_400
  for (const path of Object.keys(SAMPLE_FILES)) await utimes(join(root, path), monthAgo, monthAgo)
  await git(root, 'remote', 'add', 'origin', `https://deploy:${PLANTED.remotePassword}@git.example.com/shop.git`)
  await writeFiles(root, {
    'web/src/legacy.ts': 'export const legacy = true\n',
    'web/src/publish.ts': `export const token = '${PLANTED.npmTokenInDiff}'\n`
  })
  await git(root, 'add', 'web/src/publish.ts')
}
