/** Fits each drawing to the pixels of its picture, which are known once it has loaded. */
export function fitOverlays(): void {
  for (const image of document.querySelectorAll<HTMLImageElement>('img[data-drawn]')) {
    const fit = () => {
      const overlay = image.parentElement?.querySelector('.overlay')
      if (image.naturalWidth === 0 || !overlay) return
      overlay.setAttribute('viewBox', `0 0 ${image.naturalWidth} ${image.naturalHeight}`)
      overlay.classList.add('fitted')
    }
    if (image.complete) fit()
    image.addEventListener('load', fit)
    image.addEventListener('error', () => {
      image.hidden = true
      image.parentElement?.classList.add('without-picture')
    })
    if (image.complete && image.naturalWidth === 0) image.dispatchEvent(new Event('error'))
  }
}

fitOverlays()
