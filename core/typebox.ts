/**
 * TypeBox, by way of this module alone: the build puts all of it in this place as one file,
 * because loading its hundreds of modules one by one takes a fifth of the start.
 */
export { default } from 'typebox'
