"""The errors that a user reads, and all that derive from them.

    MotError
        ContractError        a model or server speaks another contract               mot/contract.py
        SequenceError        a text of MOTChallenge is malformed                     mot/table.py
        SplitError           a sequence has no such half                             mot/splits.py
        VideoError           a video, folder, camera or stream cannot be read        client/video/source.py
        SampleError          the sample video cannot be had                          client/video/sample.py
        DetectorError        the network could not be run on a frame                 client/detection/errors.py
            ModelChangedError the server has another model than before              client/detection/errors.py
            UnavailableError the server did not answer this time                     client/detection/transport.py
                MistrustError    client and server do not trust each other           client/detection/transport.py
                OverloadedError  the server has more to do than it takes on          client/detection/transport.py
                RegionLostError  the server does not know our shared memory          client/detection/transport.py
        PluginError          the library of operators is missing or does not load    client/detection/custom_ops.py
        ServerError          the embedded server does not start, or has died         client/serving/errors.py
        ModelError           there is no such model, or several                      client/serving/model.py
        TrackerError         a setting or a detection that no tracker can use        client/tracking/tracker.py
        SinkError            a result cannot be written                              client/outputs/sink.py
        EmbeddingsError      a file of embeddings is missing or another one          client/outputs/embeddings.py
        JobError             a job cannot be done as it is described                 client/jobs/spec.py
        JobStoppedError      a job was stopped before its end                        client/jobs/tracking.py
        ChallengeError       a benchmark's folder or results are not as they must be client/challenge/task.py
        EvaluationError      files do not belong together, or there is none to score client/evaluation/pair.py
        RecordingError       recorded detections are missing or of another model     client/tuning/recording.py
        CountError           a result cannot be counted                              client/analysis/counting.py
        PlacesError          lines and zones are malformed                           client/analysis/places.py
        CamerasError         the cameras' file cannot be used                        client/live/cameras.py
        SettingsError        a limit of the upload page is no usable value           client/ui/settings.py
        StoreError           the page's data cannot be read or written               client/ui/store/database.py
        QueueError           a job cannot be queued, or there is none of this id     client/ui/store/jobs.py
        UploadError          an upload is refused or cannot go on                    client/ui/store/appending.py
        FaultError           a job has failed for a reason that the page words       client/ui/work/faults.py
        MetricsError         the metrics cannot be served                            client/metrics.py
        DataError            training data are malformed                             training/data/labels.py
        NumberingError       pictures and labels are numbered differently            training/frames.py
        SceneError           a validation scene is malformed                         training/scene.py
        CheckpointError      a checkpoint cannot be read or written                  training/checkpoint.py
        WeightError          initial weights do not fit                              training/weights/file.py
        NoLessonError        an embedding has nothing to learn by itself             training/embedding.py
        ParityError          an exported graph differs from the network              export/parity.py

One that is said to be a ValueError, too, is so for programs that use the libraries and check their own values.
"""

_LONGEST = 400  # characters of a value that somebody reads


class MotError(Exception):
    """Bad input or a failed outside service; the message names the file or address, the value and the remedy.

    The command lines print the message without a traceback and exit with status 1.
    """


def shown(value: object) -> str:
    """A value in a message, as Python writes it, and not endless: a file may hold anything."""
    return shortened(repr(value[: 2 * _LONGEST] if isinstance(value, str | bytes) else value))


def shortened(text: str) -> str:
    """The beginning and the end of a long text."""
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST * 3 // 4]}...{text[-_LONGEST // 4 :]}"
