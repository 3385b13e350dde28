import { expect, test } from 'vitest'
import { structureChart } from '../../../renderer/charts/structure-chart.js'
import { svgDocument } from '../../support/svg-document.js'

const options = { width: 420, height: 200, document: svgDocument() }
const structure = {
  ...{ pages: 6, alikePages: 4, alikeSeen: 2, emptyPages: 2, emptySeen: 2, wrong: 0, blocks: 10, blocksRepeated: 2 },
  agreement: 0.4,
}
const gridsOf = (svg: SVGSVGElement) => [...svg.querySelectorAll('.pages')]
const areaOf = (path: Element) => path.getAttribute('d')!.match(/M/g)!.length

test('pages that are alike have one colour on both sides, and the sides differ where the attacker did not see it', () => {
  const svg = structureChart({ ...structure, picture: { truth: 'aa.00.', seen: '...00.' } }, options)
  const [seen, truth] = gridsOf(svg)
  expect(seen!.querySelectorAll('.alike')).toHaveLength(0)
  expect(truth!.querySelectorAll('.alike')).toHaveLength(1)
  expect(seen!.querySelector('.empty')!.getAttribute('fill')).toBe(truth!.querySelector('.empty')!.getAttribute('fill'))
  expect(svg.getAttribute('aria-label')).toContain('Of 4 that are like another it sees 2 as such')
})

test('neighbours of one class are one rectangle, as far as a row goes', () => {
  const truth = 'a'.repeat(10_000)
  const svg = structureChart({ ...structure, pages: 10_000, picture: { truth, seen: truth } }, options)
  const path = gridsOf(svg)[0]!.querySelector('.alike')!
  expect(areaOf(path)).toBeLessThan(200)
})

test('a migration without such pages says so', () => {
  const svg = structureChart({ ...structure, picture: { truth: '...', seen: '...' } }, options)
  expect(svg.textContent).toContain('No page of this migration is like another one')
})
