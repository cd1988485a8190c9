import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'

const CONFIGURED = ['configuration', 'other', 'source'] as const

export default definePlugin({
  kind: 'context-strategy',
  name: 'security-config',
  description: 'Authentication code, browser policies, hardening and scanners',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'security-config',
    maxItems,
    clock,
    rules: [
      {
        words: [
          'auth', 'authentication', 'authorization', 'authn', 'authz', 'authenticate', 'authorize', 'oauth', 'oidc', 'saml', 'sso', 'jwt',
          'jwk', 'login', 'rbac', 'acl', 'mfa', 'totp', 'passport', 'webauthn', 'keycloak', 'authentik'
        ],
        kinds: ['source'],
        score: 1,
        reason: 'auth code by name'
      },
      {
        words: ['security', 'csrf', 'xsrf', 'cors', 'csp', 'helmet', 'sanitize', 'sanitizer', 'xss', 'firewall', 'waf'],
        kinds: ['source'],
        score: 0.95,
        reason: 'defence by name'
      },
      {
        words: [
          'crypto', 'cryptography', 'encryption', 'cipher', 'password', 'credential', 'permission', 'secret', 'session', 'signature',
          'vault', 'certificate', 'tls'
        ],
        kinds: ['source'],
        score: 0.85,
        reason: 'secrets or permissions by name'
      },
      {
        words: ['logout', 'throttle', 'audit'],
        kinds: ['source'],
        score: 0.6,
        reason: 'access control by name'
      },
      {
        // Parsers have tokens, too, and names have policies.
        words: ['token', 'guard', 'policy', 'role', 'identity', 'validator', 'upload'],
        kinds: ['source'],
        content: /\bauth|authenti|authori[sz]|credential|permission|\bsecret|bearer|csrf|\bjwt|session|access[ _-]?control|sanit|mime|\broles?\b/i,
        score: 0.6,
        reason: 'access control by name and content'
      },
      {
        paths: ['*ratelimit*', '*rate-limit*', '*rate_limit*', '*accesscontrol*', '*access-control*', '*access_control*'],
        kinds: CONFIGURED,
        score: 0.75,
        reason: 'limits of access by name'
      },
      {
        paths: [
          'middleware*', 'middleware/', 'middlewares/', 'interceptors/', 'filters/', 'guards/', 'server.*', 'app.*', 'main.*',
          'program.cs', 'startup.cs', 'settings.py', 'settings/', 'next.config.*', 'nuxt.config.*', 'routes/', 'router.*', 'urls.py',
          'api/', 'controllers/', 'handlers/', 'graphql/', 'plugins/', 'hooks.server.*', '_document.*', '_headers', 'vercel.json',
          'netlify.toml', 'web.config', 'web.xml', 'nginx*.conf', 'nginx/', 'application*.y*ml', 'application*.properties'
        ],
        kinds: CONFIGURED,
        content: /\bcors\b|access-control-allow|content-security-policy|\bhelmet\b|csrf|strict-transport-security|x-frame-options|authenticate|authori[sz]e|\bjwt\b|bearer|bcrypt|argon2|@login_required|SECURE_\w+|SESSION_COOKIE/i,
        score: 0.8,
        reason: 'auth, CORS or CSP in its content'
      },
      {
        paths: ['security.md', '*threat-model*', 'threat_model*', 'pentest*', '*security*.md'],
        kinds: ['documentation'],
        score: 0.75,
        reason: 'security policy'
      },
      {
        paths: [
          '.gitleaks.toml', '.gitleaksignore', '.secrets.baseline', '.trufflehog*', '.secretlintrc*', '.sops.y*ml', '.gitguardian.y*ml',
          '.talismanrc', 'vault*.hcl', '.git-crypt/', 'secretstore*.y*ml', 'externalsecret*.y*ml'
        ],
        score: 0.9,
        reason: 'secret policy'
      },
      {
        paths: [
          '.snyk', '.semgrep*', 'semgrep*.y*ml', '.semgrep/', 'trivy*.y*ml', '.trivyignore', '.github/codeql/', 'codeql*.y*ml', '.bandit',
          'bandit.y*ml', '.checkov.y*ml', '.tfsec/', '.kics*', '.grype.y*ml', 'dependency-check*', 'audit-ci.*', '.nsprc', '.brakeman*',
          'brakeman*', 'deny.toml', 'osv-scanner.toml', '.zap/', 'zap*.conf', 'sonar-project.properties', '.github/workflows/*security*',
          '.github/workflows/*codeql*', '.github/dependabot.y*ml'
        ],
        score: 0.8,
        reason: "scanner's configuration"
      },
      {
        paths: [
          '*.rego', 'opa/', 'kyverno/', 'gatekeeper/', 'policies/*.json', 'policies/*.y*ml', '*iam*.tf', '*iam*.json', '*kms*.tf',
          '*security_group*.tf', '*security-group*.tf', '*networkpolicy*', '*network-policy*', '*podsecurity*', '*rolebinding*.y*ml',
          '*rbac*.y*ml', '*seccomp*', '*apparmor*', 'firestore.rules', 'storage.rules', 'database.rules.json', 'shiro.ini', '*realm*.json',
          'permissions-policy*', '.well-known/security.txt', 'robots.txt'
        ],
        kinds: CONFIGURED,
        score: 0.8,
        reason: 'policy or hardening'
      },
      {
        paths: [
          'dockerfile', 'dockerfile.*', '*.dockerfile', 'docker-compose*.y*ml', 'compose.y*ml', '.env.example', '.env.sample',
          '*ingress*.y*ml', '/main.tf'
        ],
        score: 0.4,
        reason: 'surface to harden'
      },
      {
        paths: ['*deployment*.y*ml', 'k8s/*.y*ml', 'kubernetes/*.y*ml', '*.tf'],
        content: /securityContext|runAsNonRoot|kind:\s*(?:Role|Secret|NetworkPolicy)|aws_iam|security_group|encrypted|public_access_block/,
        score: 0.7,
        reason: 'hardening in its content'
      }
    ]
  })
})
