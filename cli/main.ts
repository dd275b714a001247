// The binary's entry. The program is loaded after this line has run: source maps hold only for what is loaded later.
const argv = process.argv.slice(2)
if (argv.includes('--debug')) process.setSourceMapsEnabled(true)
const { start } = await import('./start.ts')
await start(argv)

export {}
