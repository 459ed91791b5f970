"""The words of a report, in each language that it is written in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "zh"]


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Each field is a text; those with names in braces are filled by ``str.format``."""

    code: str  # of HTML's lang attribute
    title: str
    created: str
    settings: str
    video: str
    frame_rate: str
    frames: str
    duration: str
    picture: str
    hysteresis: str
    max_gap: str
    interval: str
    people: str
    most_people: str
    mean_people: str
    people_over_time: str
    time: str
    lines: str
    line: str
    entering: str
    leaving: str
    both_ways: str
    different_people: str
    over_time: str
    from_to: str
    zones: str
    zone: str
    entries: str
    exits: str
    most_inside: str
    mean_dwell: str
    median_dwell: str
    longest_dwell: str
    journeys: str
    journeys_note: str
    from_zone: str
    heat_map: str
    heat_note: str
    trajectories: str
    trajectories_note: str
    tracks: str
    first_seen: str
    last_seen: str
    path: str
    path_heights: str
    score: str
    more_tracks: str
    nobody: str
    how_counted: str
    seconds: str


ENGLISH = Texts(
    code="en",
    title="People in {name}",
    created="Written on {date}",
    settings="Settings",
    video="Video",
    frame_rate="Frames per second",
    frames="Frames",
    duration="Length",
    picture="Picture, pixels",
    hysteresis="Margin at lines, heights of a person",
    max_gap="Gaps bridged, frames",
    interval="Interval, seconds",
    people="People",
    most_people="Most at once",
    mean_people="On average",
    people_over_time="People over time",
    time="Time",
    lines="Lines",
    line="Line",
    entering="In",
    leaving="Out",
    both_ways="Both",
    different_people="People",
    over_time="Over time",
    from_to="{begin} to {end}",
    zones="Zones",
    zone="Zone",
    entries="Entries",
    exits="Exits",
    most_inside="Most inside",
    mean_dwell="Mean stay",
    median_dwell="Median stay",
    longest_dwell="Longest stay",
    journeys="From zone to zone",
    journeys_note="People by their first zone (rows) and their last (columns), of those who made several visits.",
    from_zone="From",
    heat_map="Where people were",
    heat_note="Red: longest; grey: nobody. By the feet of everybody in each frame.",
    trajectories="Ways",
    trajectories_note="The way of each person's feet; a dot is where it ends.",
    tracks="People one by one",
    first_seen="First seen",
    last_seen="Last seen",
    path="Way, pixels",
    path_heights="Way, own heights",
    score="Mean score",
    more_tracks="The {shown} who stayed longest, of {all}.",
    nobody="Nobody was found in this video.",
    how_counted=(
        "Somebody is counted at a line when their feet cross it, from clearly before it to clearly behind it; "
        "ids are the tracker's, which may take one person for two, or two for one."
    ),
    seconds="{value} s",
)

CHINESE = Texts(
    code="zh-CN",
    title="{name} 中的行人",
    created="生成时间：{date}",
    settings="设置",
    video="视频",
    frame_rate="每秒帧数",
    frames="帧数",
    duration="时长",
    picture="画面尺寸（像素）",
    hysteresis="计数线余量（人身高的倍数）",
    max_gap="插补的最长间断（帧）",
    interval="统计间隔（秒）",
    people="人数",
    most_people="同时最多",
    mean_people="平均人数",
    people_over_time="人数随时间的变化",
    time="时间",
    lines="计数线",
    line="计数线",
    entering="进",
    leaving="出",
    both_ways="合计",
    different_people="不同的人",
    over_time="分时段统计",
    from_to="{begin} 至 {end}",
    zones="区域",
    zone="区域",
    entries="进入次数",
    exits="离开次数",
    most_inside="区域内最多人数",
    mean_dwell="平均停留",
    median_dwell="停留中位数",
    longest_dwell="最长停留",
    journeys="区域间的流动",
    journeys_note="按每人到访的第一个区域（行）和最后一个区域（列）统计；只到访一次的人不计入。",
    from_zone="起点",
    heat_map="人员热力图",
    heat_note="红色：停留最久；灰色：无人经过。按每帧中每个人的脚部位置统计。",
    trajectories="轨迹",
    trajectories_note="每个人脚部经过的路线；圆点为终点。",
    tracks="逐人统计",
    first_seen="首次出现",
    last_seen="最后出现",
    path="路程（像素）",
    path_heights="路程（自身身高的倍数）",
    score="平均置信度",
    more_tracks="共 {all} 人，此处列出停留最久的 {shown} 人。",
    nobody="此视频中未发现行人。",
    how_counted=(
        "当一个人的脚部从计数线的一侧明确越过到另一侧时计数一次；编号由跟踪器给出，"
        "可能把同一个人记为两个编号，或把两个人记为同一编号。"
    ),
    seconds="{value} 秒",
)

TEXTS: dict[Language, Texts] = {"en": ENGLISH, "zh": CHINESE}
