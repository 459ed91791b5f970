"""The page's words, in English and Chinese; a language that lacks one is an error of types."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

Language = Literal["en", "zh"]


@dataclass(frozen=True, kw_only=True)
class Words:
    """What is said, by where it is said. Braces hold what is filled in."""

    # the frame of all pages
    title: str
    claim: str
    home: str
    no_cookie: str
    broken: str
    # the way from upload to result
    step_upload: str
    step_settings: str
    step_start: str
    drop: str
    choose: str
    accepted: str
    sample: str
    sample_help: str
    ready: str
    remove: str
    start: str
    start_many: str
    starting_as: str
    # uploads, in the browser
    sending: str
    of: str
    per_second: str
    left: str
    lost: str
    again: str
    go_on: str
    checking: str
    cancel: str
    dismiss: str
    retry: str
    # settings
    settings: str
    threshold: str
    threshold_help: str
    tracker: str
    tracker_help: str
    trail: str
    trail_help: str
    anonymise: str
    anonymise_help: str
    labels: str
    labels_help: str
    caption: str
    caption_help: str
    range: str
    range_help: str
    first: str
    last: str
    # jobs
    yours: str
    none_yet: str
    older: str
    queued: str
    queued_next: str
    queued_next_in: str
    queued_place: str
    running: str
    running_open: str
    drawing: str
    done: str
    failed: str
    cancelled: str
    rate: str
    time_left: str
    waiting_server: str
    delete: str
    delete_sure: str
    open: str
    preview: str
    no_preview: str
    gone: str
    # results
    video: str
    counting: str
    where: str
    look: str
    downloads: str
    people: str
    most: str
    mean: str
    length: str
    over_time: str
    timeline: str
    tracks: str
    person: str
    first_seen: str
    last_seen: str
    duration: str
    path: str
    score: str
    jump: str
    show_all: str
    nobody: str
    heat: str
    heat_note: str
    ways: str
    ways_note: str
    redraw: str
    redraw_note: str
    again_title: str
    again_note: str
    video_file: str
    rows_file: str
    table_file: str
    json_file: str
    report_file: str
    counts_file: str
    events_file: str
    # counting
    count_note: str
    draw_line: str
    draw_zone: str
    finish: str
    draw_line_hint: str
    draw_zone_hint: str
    line: str
    zone: str
    name: str
    entering: str
    leaving: str
    crossed: str
    inside_now: str
    entries: str
    exits: str
    most_inside: str
    mean_stay: str
    longest_stay: str
    from_to: str
    from_to_note: str
    no_places: str
    # server
    server: str
    server_up: str
    server_away: str
    model: str
    requests: str
    failures: str
    batch: str
    queue_time: str
    latency: str
    workers: str
    # who
    password: str
    enter: str
    wrong: str
    login: str
    logout: str
    login_note: str
    # refusals, by kind
    error_kind: str
    error_empty: str
    error_too_large: str
    error_too_many: str
    error_disk_full: str
    error_no_room: str
    error_too_long: str
    error_too_many_pixels: str
    error_not_video: str
    error_no_frames: str
    error_zip_damaged: str
    error_zip_unsafe: str
    error_zip_empty: str
    error_zip_many: str
    error_zip_bomb: str
    error_server_away: str
    error_model: str
    error_lost: str
    error_limit: str
    error_other: str
    error_token: str


def word_names() -> list[str]:
    return [field.name for field in fields(Words)]
