/** Before every suite: whoever looks at a frame after giving it away sees rubbish, and recycling one twice fails. */
import { watchFrames } from '../../core/net/frame-pool.js'

watchFrames()
