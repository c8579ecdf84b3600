/** The door to images in the engines of a cluster. */
export { fullImageName } from './image-reference.ts';
export { buildImage, type EngineAddress, importArchive, type ListedImage, listImages, loadImage, removeImage } from './images.ts';
export { pauseImageName } from './pause-image-name.ts';
