from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mot.sequence import SeqInfo, SequenceError, write_seqinfo
from tests.media import make_video, names, numbered_image, write_image
from training.data.labels import DataError
from training.frames import NumberingError
from training.prepare.mot_challenge import (
    find_sequences,
    frame_pictures,
    open_sequences,
    read_mot,
)

MOT17 = """\
1,4,10,20,20,40,1,1,1
1,9,50,20,20,40,1,1,0.1
1,2,50,20,20,40,1,7,1
1,3,50,20,20,40,0,1,1
3,4,-10,20,20,50,1,1,0
"""


def sequence(folder: Path, gt: str, frames: int = 3, *, images: bool = True, info: bool = True) -> Path:
    """A published sequence."""
    for number in range(1, frames + 1 if images else 0):
        write_image(folder / f"img1/{number:06d}.jpg", numbered_image(number, 100, 80))
    (folder / "gt").mkdir(parents=True)
    (folder / "gt/gt.txt").write_text(gt)
    if info:
        content = SeqInfo(name=folder.name, frame_rate=30, length=frames, width=100, height=80)
        write_seqinfo(folder / "seqinfo.ini", content)
    return folder


def frames(*numbers: int) -> dict[int, Path]:
    return {number: Path(f"{number:06d}.jpg") for number in numbers}


def gt_file(folder: Path, text: str) -> Path:
    path = folder / "gt.txt"
    path.write_text(text)
    return path


def test_marked_pedestrians_alone_are_kept(tmp_path: Path) -> None:
    pictures, free, left_out = frame_pictures(frames(1, 2, 3), gt_file(tmp_path, MOT17), folder="walk", first=10)
    assert [picture.name for picture in pictures] == ["walk/000001.jpg", "walk/000002.jpg", "walk/000003.jpg"]
    # Ids 4 and 9 become 10 and 11; the distractor (class 7) and the unmarked row are gone; no clipping.
    assert [picture.identities.tolist() for picture in pictures] == [[10, 11], [], [10]]
    np.testing.assert_array_equal(pictures[0].people, [[10, 20, 20, 40], [50, 20, 20, 40]])
    np.testing.assert_array_equal(pictures[2].people, [[-10, 20, 20, 50]])
    assert free == 12
    assert left_out == {"class 7": 1, "mark 0": 1}


def test_people_who_do_not_count_become_regions_where_asked(tmp_path: Path) -> None:
    """Static (7), unmarked, and less visible than asked; a mannequin (8) stays background."""
    text = MOT17 + "1,5,80,20,9,9,0,8,1\n"
    pictures, free, _ = frame_pictures(frames(1, 2, 3), gt_file(tmp_path, text), regions=True, shown=0.2)
    assert [picture.identities.tolist() for picture in pictures] == [[0], [], []]
    np.testing.assert_array_equal(pictures[0].people, [[10, 20, 20, 40]])
    assert [len(picture.ignored) for picture in pictures] == [3, 0, 1]
    np.testing.assert_array_equal(pictures[2].ignored, [[-10, 20, 20, 50]])
    assert free == 1


def test_only_ids_of_the_frames_count(tmp_path: Path) -> None:
    pictures, free, _ = frame_pictures(frames(1), gt_file(tmp_path, "2,1,1,1,9,9,1,1,1\n1,5,1,1,9,9,1,1,1\n"))
    assert pictures[0].identities.tolist() == [0]
    assert free == 1


@pytest.mark.parametrize("tail", ["", ",-1,-1,-1"], ids=["7 columns", "10 columns"])
def test_mot15_has_no_classes(tmp_path: Path, tail: str) -> None:
    rows = (f"1,8,10,20,20,40,1{tail}\n", f"1,2,50,20,20,40,0{tail}\n", f"2,5,50,20,20,40,1{tail}\n")
    pictures, _, _ = frame_pictures(frames(1, 2), gt_file(tmp_path, "".join(rows)))
    assert [picture.identities.tolist() for picture in pictures] == [[1], [0]]


def test_a_malformed_gt_names_its_line_and_an_empty_one_has_nobody(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match=r"gt\.txt:2: .* holds something that is not a number"):
        frame_pictures(frames(1), gt_file(tmp_path, "1,1,10,20,20,40,1,1,1\n1,2,10,20,wide,40,1,1,1\n"))
    pictures, free, _ = frame_pictures(frames(1), gt_file(tmp_path, ""), first=3)
    assert pictures[0].people.shape == (0, 4)
    assert free == 3


@pytest.mark.parametrize("separator", [",", " ", ";"])
def test_labels_that_mot_eval_scores_are_learnt(
    tmp_path: Path, separator: str, caplog: pytest.LogCaptureFixture
) -> None:
    rows = "1,1,10,20,20,40,1,1,1,\n1,2,10,20,0,40,1,1,1,\n".replace(",", separator)
    pictures, _, _ = frame_pictures(frames(1), gt_file(tmp_path, rows))
    np.testing.assert_array_equal(pictures[0].people, [[10, 20, 20, 40], [10, 20, 0, 40]])
    assert "gt.txt:2: width is 0, a box must have a positive size" in caplog.text


def test_sequences_do_not_merge_where_one_ends_with_the_id_that_the_next_begins_with(tmp_path: Path) -> None:
    """The original's slip: it starts a new identity only where the id changes from a row to the next."""
    for name in ("A", "B"):
        sequence(tmp_path / "train" / name, "1,1,10,20,20,40,1,1,1\n2,1,10,20,20,40,1,1,1\n", frames=2)
    pictures = read_mot(open_sequences(find_sequences(tmp_path), tmp_path / "out"), None, tmp_path).splits["train"]
    found = [(picture.name, picture.identities.tolist()) for picture in pictures]
    assert found == [("A/000001.jpg", [0]), ("A/000002.jpg", [0]), ("B/000001.jpg", [1]), ("B/000002.jpg", [1])]


def test_a_person_in_both_halves_keeps_the_identity(tmp_path: Path) -> None:
    gt = "".join(f"{frame},{track},10,20,20,40,1,1,1\n" for frame, track in ((1, 3), (2, 3), (3, 3), (3, 1), (4, 8)))
    sequence(tmp_path / "A", gt, frames=4)
    splits = read_mot(open_sequences([tmp_path / "A"], tmp_path / "out"), "fairmot", tmp_path).splits
    assert [picture.identities.tolist() for picture in splits["train"]] == [[1], [1]]
    assert [picture.identities.tolist() for picture in splits["test"]] == [[1, 0], [2]]


def test_halves_are_of_the_whole_sequence_even_if_frames_are_missing(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "A", "", frames=4)
    (folder / "img1/000004.jpg").unlink()
    opened = open_sequences([folder], tmp_path / "out")
    assert (len(opened[0].frames), opened[0].length) == (3, 4)
    splits = read_mot(opened, "bytetrack", tmp_path).splits
    assert [len(pictures) for pictures in splits.values()] == [3, 0]


def test_one_copy_of_each_sequence_of_mot17(tmp_path: Path) -> None:
    for name in ("MOT17-02-DPM", "MOT17-02-FRCNN", "MOT17-02-SDP", "MOT17-04-SDP", "MOT17-05"):
        sequence(tmp_path / "train" / name, "", frames=0, info=False)
    (tmp_path / "train/notes").mkdir()
    found = [path.name for path in find_sequences(tmp_path, "SDP")]
    assert found == ["MOT17-02-SDP", "MOT17-04-SDP", "MOT17-05"]
    assert [path.name for path in find_sequences(tmp_path / "train", "DPM")] == ["MOT17-02-DPM", "MOT17-05"]
    assert len(find_sequences(tmp_path)) == 5


def test_folders_without_sequences(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="gone: no such folder"):
        find_sequences(tmp_path / "gone")
    with pytest.raises(DataError, match=r"no sequences to convert; there is no SEQUENCE/gt/gt\.txt"):
        find_sequences(tmp_path)
    sequence(tmp_path / "MOT17-02-DPM", "", frames=0, info=False)
    with pytest.raises(DataError, match="no sequences to convert; there is only MOT17-02-DPM"):
        find_sequences(tmp_path, "SDP")


@pytest.mark.parametrize("place", ["A.mp4", "A/A.webm"], ids=["beside", "inside"])
@pytest.mark.parametrize("info", [True, False], ids=["seqinfo", "no seqinfo"])
def test_a_video_in_place_of_images(tmp_path: Path, place: str, info: bool) -> None:
    folder = sequence(tmp_path / "A", "3,7,1,1,9,9,1,1,1\n", frames=4, images=False, info=info)
    make_video(tmp_path / "v.mp4", [numbered_image(i) for i in range(4)]).rename(tmp_path / place)
    opened = open_sequences([folder], tmp_path / "images")
    assert (opened[0].length, sorted(opened[0].frames)) == (4, [1, 2, 3, 4])
    assert names(tmp_path / "images/A") == {"000001.jpg", "000002.jpg", "000003.jpg", "000004.jpg"}
    third = read_mot(opened, None, tmp_path).splits["train"][2]
    assert third.source == tmp_path / "images" / third.name
    assert third.identities.tolist() == [0]


def test_images_go_before_a_video(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "A", "")
    (tmp_path / "A.mp4").write_text("never opened")
    assert set(open_sequences([folder], tmp_path / "out")[0].frames.values()) == set((folder / "img1").iterdir())


def test_sequences_that_cannot_be_opened(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "A", "", images=False)
    with pytest.raises(DataError, match=r"A: no img1/ in it, and no video A\.mp4"):
        open_sequences([folder], tmp_path / "out")
    make_video(tmp_path / "A.mp4", [numbered_image(i) for i in range(2)])
    with pytest.raises(DataError, match=r"A\.mp4: has no frame 3"):
        open_sequences([folder], tmp_path / "out")
    (folder / "seqinfo.ini").write_text("[Sequence]\nname=\n")
    with pytest.raises(SequenceError, match=r"seqinfo\.ini: key name is empty"):
        open_sequences([folder], tmp_path / "out")


def test_rows_without_a_picture_are_counted(tmp_path: Path) -> None:
    gt = gt_file(tmp_path, "1,1,1,1,9,9,1,1,1\n4,1,1,1,9,9,1,1,1\n9,1,1,1,9,9,0,1,1\n")
    assert frame_pictures(frames(1, 2), gt).left_out == {"in frames without a picture": 2}


def test_a_frame_that_is_missing_in_the_middle_is_refused(tmp_path: Path) -> None:
    """By its place the picture would be labelled as the missing one; `mot track` counts places, too."""
    folder = sequence(tmp_path / "A", "".join(f"{n},1,10,20,20,40,1,1,1\n" for n in range(1, 5)), frames=4)
    (folder / "img1/000002.jpg").unlink()
    with pytest.raises(NumberingError, match=r"000003\.jpg: is image 2 of its folder, hence frame 2, but .*gt\.txt"):
        read_mot(open_sequences([folder], tmp_path / "out"), None, tmp_path)


def test_the_suffix_that_seqinfo_names_and_no_hidden_files(tmp_path: Path) -> None:
    folder = sequence(tmp_path / "A", "1,1,10,20,20,40,1,1,1\n", frames=2)
    for name in ("000000.png", "._000001.jpg"):
        write_image(folder / "img1" / name.lstrip("._"), numbered_image(9))
        (folder / "img1" / name.lstrip("._")).rename(folder / "img1" / name)
    write_image(folder / "img1/000001.jpg", numbered_image(1, 100, 80))
    (opened,) = open_sequences([folder], tmp_path / "out")
    assert [path.name for path in opened.frames.values()] == ["000001.jpg", "000002.jpg"]


def test_hidden_folders_are_no_sequences(tmp_path: Path) -> None:
    for name in ("A", "._A", ".Trash-1000"):
        sequence(tmp_path / name, "1,1,10,20,20,40,1,1,1\n", frames=1)
    assert [folder.name for folder in find_sequences(tmp_path)] == ["A"]


@pytest.mark.data
def test_published_ground_truth(mot_data: Path) -> None:
    """Boxes and identities as the data's description counts them."""
    pets, people, _ = frame_pictures(frames(*range(1, 796)), mot_data / "mot/PETS09-S2L1/gt/gt.txt")
    assert sum(len(picture.people) for picture in pets) == 4650
    assert people == 19
    validation, _, _ = frame_pictures(frames(*range(264, 526)), mot_data / "mot/MOT17-09-FRCNN/gt/gt_val_half.txt")
    assert sum(len(picture.people) for picture in validation) == 2879
