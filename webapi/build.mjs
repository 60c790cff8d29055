// Builds dist/ and the script that the server hands out: node build.mjs [directory to build into]
import { execFileSync } from 'node:child_process'
import { cp, mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))
const into = process.argv[2] ?? here
const dist = join(into, 'dist')
const statics = process.argv[2] ? join(into, 'static') : join(here, '..', 'static', 'webapi')
const consoles = process.argv[2] ? join(into, 'console') : join(here, '..', 'static', 'console')

const common = { bundle: true, minify: true, target: 'es2020', charset: 'utf8', legalComments: 'none' }
const source = name => join(here, 'src', name)

await rm(dist, { recursive: true, force: true })
await mkdir(statics, { recursive: true })
// The share module is a file of its own: who does not import from it does not load it.
const module = (name, external) =>
  build({ ...common, format: 'esm', entryPoints: [source(`${name}.ts`)], outfile: join(dist, `${name}.js`), external })
await module('core', [])
await module('share', ['./core.js'])
await module('analytics', ['./core.js', './share.js'])
await build({ ...common, format: 'iife', entryPoints: [source('classic.ts')], outfile: join(dist, 'meeteasy.js') })
await build({ ...common, bundle: false, target: 'es5', entryPoints: [source('stub.js')], outfile: join(dist, 'stub.js') })

execFileSync(
  process.execPath,
  [join(here, 'node_modules', 'typescript', 'bin', 'tsc'), '--project', here, '--declaration', '--emitDeclarationOnly',
    '--outDir', join(dist, 'types')],
  { stdio: 'inherit' }
)
// The check-in desk of the console: the page's module, its service worker, and the reader of QR codes.
const desk = { ...common, target: 'es2022', outdir: consoles }
const deskSource = name => join(here, 'desk', `${name}.ts`)
execFileSync(
  process.execPath,
  [join(here, 'node_modules', 'typescript', 'bin', 'tsc'), '--project', join(here, 'desk')],
  { stdio: 'inherit' }
)
await build({ ...desk, format: 'esm', entryPoints: { desk: deskSource('desk') } })
await build({ ...desk, format: 'esm', entryPoints: { 'desk-forget': deskSource('forget') } })
await build({ ...desk, format: 'iife', entryPoints: { 'desk-worker': deskSource('worker') } })
await build({ ...desk, format: 'esm', entryPoints: { 'desk-reader': deskSource('reader') } })
await cp(
  join(here, 'node_modules', 'zxing-wasm', 'dist', 'reader', 'zxing_reader.wasm'), join(consoles, 'zxing_reader.wasm')
)
for (const name of ['meeteasy.js', 'core.js', 'share.js', 'analytics.js']) {
  await cp(join(dist, name), join(statics, name))
}
