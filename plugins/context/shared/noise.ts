import { createPathMatcher } from './path-matcher.js'
import type { Place } from './place.js'
import { remembered } from './remembered.js'

/** Files that stand in the way of better ones; a strategy that is about them says so. */
export type Noise = 'vendored' | 'generated' | 'minified' | 'fixture' | 'lock' | 'binary'

export const LOCK_FILES: readonly string[] = [
  'package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml', 'bun.lock', 'bun.lockb', 'deno.lock',
  'poetry.lock', 'pipfile.lock', 'uv.lock', 'pdm.lock', 'pylock.toml', 'conda-lock.yml', 'go.sum', 'go.work.sum', 'cargo.lock',
  'gradle.lockfile', 'buildscript-gradle.lockfile', 'gemfile.lock', 'composer.lock', 'pubspec.lock', 'package.resolved',
  'podfile.lock', 'cartfile.resolved', 'packages.lock.json', 'project.assets.json', 'mix.lock', 'stack.yaml.lock',
  'conan.lock', 'flake.lock', 'rebar.lock', 'renv.lock', 'shard.lock', 'nimble.lock', 'foundry.lock', 'cpanfile.snapshot', '.terraform.lock.hcl', 'chart.lock'
]

const NOISE: Readonly<Record<Noise, readonly string[]>> = {
  lock: LOCK_FILES,
  vendored: [
    'node_modules/', 'bower_components/', 'jspm_packages/', 'vendor/', '_vendor/', 'third_party/', 'third-party/', 'thirdparty/',
    'pods/', 'carthage/', '.venv/', 'venv/', 'site-packages/', '.yarn/', '.pnpm-store/', '.bundle/', '.gradle/'
  ],
  generated: [
    'dist/', '.next/', '.nuxt/', '.output/', '.svelte-kit/', '.turbo/', '.parcel-cache/', '.angular/', 'storybook-static/',
    '__pycache__/', '.tox/', '.nox/', '.mypy_cache/', '.pytest_cache/', '.ruff_cache/', '.ipynb_checkpoints/', '*.egg-info/',
    '.dart_tool/', 'deriveddata/', '.terraform/', 'htmlcov/', 'lcov-report/', '.nyc_output/', 'mlruns/', 'wandb/',
    '__generated__/', 'generated/', '__snapshots__/', '*.snap', '*.map', '*.tsbuildinfo',
    '*.pb.go', '*_grpc.pb.go', '*.pb.cc', '*.pb.h', '*_pb2.py', '*_pb2_grpc.py', '*_pb2.pyi', '*_pb.js', '*_pb.d.ts', '*.pb.swift',
    '*.g.dart', '*.freezed.dart', '*.gr.dart', '*.mocks.dart', '*.generated.*', '*_generated.*', '*.gen.go', '*.gen.ts', '*_gen.go',
    'zz_generated*', 'bindata.go', '*.designer.cs', '*.g.cs', '*.g.i.cs', 'routetree.gen.ts', 'generatedpluginregistrant.*'
  ],
  minified: ['*.min.js', '*.min.mjs', '*.min.css', '*-min.js', '*.bundle.js', '*.chunk.js', '*.chunk.css'],
  fixture: [
    'fixtures/', 'fixture/', '__fixtures__/', 'testdata/', 'test-data/', 'test_data/', 'testfixtures/', '__mocks__/', 'cassettes/',
    'snapshots/', 'golden/', 'goldens/', 'test/resources/'
  ],
  binary: [
    '*.png', '*.jpg', '*.jpeg', '*.gif', '*.ico', '*.icns', '*.webp', '*.avif', '*.bmp', '*.tiff', '*.psd', '*.svg', '*.pdf', '*.docx',
    '*.xlsx', '*.pptx', '*.zip', '*.gz', '*.tgz', '*.bz2', '*.xz', '*.7z', '*.tar', '*.jar', '*.war', '*.aar', '*.class', '*.so', '*.dll',
    '*.dylib', '*.exe', '*.a', '*.o', '*.obj', '*.lib', '*.wasm', '*.pyc', '*.whl', '*.woff', '*.woff2', '*.ttf', '*.otf', '*.eot', '*.mp3',
    '*.mp4', '*.mov', '*.avi', '*.webm', '*.wav', '*.ogg', '*.sqlite', '*.sqlite3', '*.db', '*.parquet', '*.avro', '*.orc', '*.pkl',
    '*.pickle', '*.joblib', '*.npy', '*.npz', '*.h5', '*.hdf5', '*.onnx', '*.pt', '*.pth', '*.safetensors', '*.gguf', '*.tflite',
    '*.bin', '*.dat', '*.apk', '*.ipa', '*.aab', '*.keystore', '*.jks', '*.p12', '*.nupkg', '*.pprof', '*.prof'
  ]
}

const match = createPathMatcher(
  (Object.entries(NOISE) as [Noise, readonly string[]][]).flatMap(([noise, patterns]) => patterns.map(pattern => [pattern, noise] as const))
)

const NONE: ReadonlySet<Noise> = new Set()

/** Every kind of noise that a file is: a lock file may be vendored too. */
export const noiseOf = remembered((place: Place): ReadonlySet<Noise> => {
  let found: Set<Noise> | undefined
  match(place, noise => { (found ??= new Set()).add(noise) })
  return found ?? NONE
})

/** Whether a file is noise of a kind that is not in `kept`. */
export function isNoise (place: Place, kept: readonly Noise[] = []): boolean {
  const noises = noiseOf(place)
  // Most are none, and an iterator would be an object for each.
  if (noises.size === 0) return false
  for (const noise of noises) if (!kept.includes(noise)) return true
  return false
}
