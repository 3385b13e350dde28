import { expect, test } from './lab-window.js'

test('opens with its title and without complaints', async ({ lab }) => {
  await expect(lab.page).toHaveTitle(/Midstream/)
  await expect(lab.page.locator('#app')).not.toBeEmpty()
  await lab.page.reload() // errors of the very first load may precede our listener
  await expect(lab.page.locator('#app')).not.toBeEmpty()
  expect(lab.problems).toEqual([])
})

test('the page is confined by its content security policy', async ({ lab }) => {
  const outcome = await lab.page.evaluate(async () => {
    const policy = (await fetch(location.href)).headers.get('Content-Security-Policy')
    const violations: string[] = []
    document.addEventListener('securitypolicyviolation', (event) => violations.push(event.effectiveDirective))
    const script = document.createElement('script')
    script.textContent = 'window.intruder = true'
    document.head.append(script)
    const fetched = await fetch('http://192.0.2.1/').then(
      () => 'answered',
      () => 'refused',
    )
    let evaluated = 'refused'
    try {
      // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call -- the point of it
      evaluated = String(new Function('return "ran"')())
    } catch {
      // as it should be
    }
    // WebAssembly is what the engine runs on: an empty module must still compile.
    const module = await WebAssembly.compile(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]))
    await new Promise((resolve) => setTimeout(resolve, 100))
    return {
      policy,
      violations,
      intruder: 'intruder' in window,
      fetched,
      evaluated,
      wasm: module instanceof WebAssembly.Module,
    }
  })
  expect(outcome.policy).toContain("default-src 'none'")
  expect(outcome.violations).toEqual(expect.arrayContaining(['script-src-elem', 'connect-src', 'script-src']))
  expect(outcome).toMatchObject({ intruder: false, fetched: 'refused', evaluated: 'refused', wasm: true })
})

test('the page has no Node, and the desktop only by its contract', async ({ lab }) => {
  const seen = await lab.page.evaluate(() => ({
    node: ['require', 'process', 'module', 'Buffer', '__dirname'].filter((name) => name in globalThis),
    desktop: 'midstream' in window ? Object.keys(window.midstream as object).sort() : undefined,
  }))
  expect(seen.node).toEqual([])
  if (lab.shell === 'chromium') expect(seen.desktop).toBeUndefined()
  else expect(seen.desktop).toContain('saveSession')
})
