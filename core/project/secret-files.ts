/** Names of files whose purpose is to hold secrets; their content never leaves, nor does their name. */
const NAMES: readonly RegExp[] = [
  /^\.env(\.(?!example$|sample$|template$|dist$|defaults$)[^/]*)?$/,
  /^\.envrc$/,
  /^\.(netrc|pypirc|npmrc|pgpass|htpasswd|git-credentials|dockercfg|boto|s3cfg)$/,
  /^(id_(rsa|dsa|ecdsa|ed25519)|identity)$/,
  /\.(pem|key|p8|p12|pfx|jks|keystore|kdbx|ppk|asc|gpg|age|tfstate|tfvars|ovpn|mobileprovision)$/,
  /\.tfstate\.backup$/,
  /^(credentials|secrets?)(\.(json|ya?ml|toml|ini|txt|env|enc))?$/,
  /^(service[-_]?account|client[-_]?secret|gcp[-_]?key|firebase[-_]?adminsdk)[^/]*\.json$/,
  /^(master|production)\.key$/,
  /^auth\.json$/
]

const PATHS: readonly RegExp[] = [
  /(^|\/)\.aws\/credentials$/, /(^|\/)\.docker\/config\.json$/, /(^|\/)\.kube\/config$/, /(^|\/)\.ssh\//, /(^|\/)\.gnupg\//
]

/** Whether a path names a file that holds secrets. */
export function holdsSecrets (path: string): boolean {
  const lower = path.toLowerCase()
  const name = lower.slice(lower.lastIndexOf('/') + 1)
  return NAMES.some((pattern) => pattern.test(name)) || PATHS.some((pattern) => pattern.test(lower))
}
