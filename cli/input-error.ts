export { InputError } from '../core/base/errors.js'
