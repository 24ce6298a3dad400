import { FormProblem } from '../components/form.tsx'
import { t } from '../words/t.ts'

interface UploadFormProps {
  problem?: string | undefined
  name?: string | undefined
  /** The dataset that gets another version. Default: a dataset of its own. */
  versionOf?: string | undefined
}

/** Sends an archive without scripts, too; scripts add folders, progress, and another try while the server is away. */
export function UploadForm({ problem, name, versionOf }: UploadFormProps) {
  return (
    <section aria-labelledby="upload-title">
      <h2 id="upload-title">{versionOf === undefined ? t('Upload') : t('Add a version')}</h2>
      <FormProblem text={problem} />
      <form class="form upload" id="upload" method="post" action="/datasets/upload" enctype="multipart/form-data">
        {versionOf === undefined ? (
          <div class="field">
            <label for="upload-name">{t('Name')}</label>
            <input id="upload-name" name="name" value={name} required maxlength={200} dir="auto" autocomplete="off" />
          </div>
        ) : (
          <div class="field">
            <input id="upload-dataset" name="dataset" type="hidden" value={versionOf} />
            <label for="upload-name">{t('What changed')}</label>
            <input id="upload-name" name="message" value={name} maxlength={500} dir="auto" autocomplete="off" />
          </div>
        )}
        <div class="field scripted-only">
          <label for="upload-folder">{t('Folder')}</label>
          <input id="upload-folder" type="file" webkitdirectory multiple />
        </div>
        <div class="field">
          <label for="upload-archive">
            <span class="scripted-only">{t('Or an archive')}</span>
            <span class="unscripted-only">{t('Archive')}</span>
          </label>
          <input
            id="upload-archive"
            name="archive"
            type="file"
            accept=".zip,.tar,.tgz,.gz"
            required
            aria-describedby="upload-hint"
          />
          <p class="muted" id="upload-hint">
            {t(
              'A zip, tar or tar.gz of a folder in one of the formats DICE, COCO, YOLO, Pascal VOC, LabelMe, ImageFolder.',
            )}
          </p>
        </div>
        <button type="submit">{t('Upload')}</button>
        <progress id="upload-progress" max={1} value={0} aria-label={t('Progress of the upload')} hidden />
        <p id="upload-status" role="status" />
      </form>
    </section>
  )
}
