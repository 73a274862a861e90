from __future__ import annotations

import re

import pytest

from stackcheck.knowledge.knowledge import load
from stackcheck.model.version import Version
from stackcheck.resolve.candidates import fits_label

FRAMEWORKS = (
    "tensorflow",
    "keras",
    "jax",
    "paddlepaddle",
    "mxnet",
    "caffe",
    "cntk",
    "theano",
    "cupy",
)


@pytest.fixture(scope="module")
def knowledge():
    return load()


@pytest.fixture(scope="module")
def row(knowledge):
    def find(framework, version, build, platform="linux-x86_64", channel="pypi"):
        rows = [
            each
            for each in knowledge.builds(framework)
            if (str(each.version), each.build, each.platform, each.channel)
            == (version, build, platform, channel)
        ]
        assert len(rows) == 1, (framework, version, build, platform, channel)
        return rows[0]

    return find


def code(build):
    return None if build.architectures is None else " ".join(map(str, build.architectures))


@pytest.mark.parametrize("framework", FRAMEWORKS)
class TestEveryRow:
    def test_has_a_key_of_its_own_evidence_and_an_install_command(self, knowledge, framework):
        rows = knowledge.builds(framework)
        assert len({row.key for row in rows}) == len(rows) > 0
        for row in rows:
            assert row.evidence, row.label
            assert row.install, row.label
            assert row.released, row.label

    def test_has_a_label_that_users_can_write(self, knowledge, framework):
        for row in knowledge.builds(framework):
            assert re.fullmatch(r"cpu|any|source|cu(da)?\d+x?(-[a-z0-9]+)?", row.build), row.label

    def test_of_a_wheel_names_the_wheel_and_its_hash(self, knowledge, framework):
        for row in knowledge.builds(framework):
            for entry in row.evidence:
                assert entry.kind in ("wheel", "doc", "report")
                if entry.source.endswith(".whl"):
                    assert re.fullmatch(r"[0-9a-f]{64}", entry.sha256), row.label

    def test_of_a_cpu_build_has_no_gpu_code_and_no_cuda(self, knowledge, framework):
        for row in knowledge.builds(framework):
            if row.build == "cpu":
                assert row.architectures == ()
                assert row.cuda is None

    def test_installs_the_release_that_it_is_of(self, knowledge, framework):
        for row in knowledge.builds(framework):
            if row.install.startswith("pip install"):
                assert f"=={row.version}" in row.install, row.install

    def test_has_code_that_its_cuda_can_compile(self, knowledge, framework):
        for row in knowledge.builds(framework):
            for target in row.architectures or ():
                life = knowledge.architecture(target.capability)
                if life is None or row.cuda is None or len(row.cuda.release) < 2 or row.from_source:
                    continue
                assert life.first_cuda is None or life.first_cuda <= row.cuda, (
                    row.label,
                    str(target),
                )
                last = life.last_cuda
                assert last is None or row.cuda.release[:2] <= last.release[:2], (
                    row.label,
                    str(target),
                )

    def test_gives_a_platform_one_default_per_release_and_channel(self, knowledge, framework):
        seen = set()
        for row in knowledge.builds(framework):
            if row.default:
                place = (row.version, row.platform, row.channel, row.distribution)
                assert place not in seen, row.label
                seen.add(place)


@pytest.mark.parametrize(
    ("version", "build", "platform", "cuda", "cudnn", "expected"),
    [
        ("2.20.0", "cu125", "linux-x86_64", "12.5.1", "9.3", "sm_60 sm_70 sm_80 sm_89 compute_90"),
        ("2.15.1", "cu122", "linux-x86_64", "12.2", "8.9", "sm_50 sm_60 sm_70 sm_75 compute_80"),
        (
            "2.10.1",
            "cu112",
            "windows-x86_64",
            "11.2",
            "8.1",
            "sm_35 sm_50 sm_60 sm_70 sm_75 compute_80",
        ),
        (
            "2.3.0",
            "cu101",
            "linux-x86_64",
            "10.1",
            "7.6",
            "sm_35 sm_37 sm_52 sm_60 sm_61 compute_70",
        ),
    ],
)
def test_tensorflow_tells_its_cuda_cudnn_and_code(
    row, version, build, platform, cuda, cudnn, expected
):
    found = row("tensorflow", version, build, platform)
    assert (str(found.cuda), str(found.cudnn), code(found)) == (cuda, cudnn, expected)
    assert (found.cuda_linkage, found.cudnn_linkage) == ("system", "system")


def test_tensorflow_lies_in_another_distribution_until_2_0(row):
    assert row("tensorflow", "1.12.0", "cu90").distribution == "tensorflow-gpu"
    assert row("tensorflow", "1.15.0", "cu100").distribution == "tensorflow"
    assert row("tensorflow", "1.15.5", "cu100").distribution == "tensorflow-gpu"
    assert row("tensorflow", "2.0.0", "cpu").distribution == "tensorflow"
    assert row("tensorflow", "2.1.0", "cu101").distribution == "tensorflow"


def test_tensorflow_brings_its_libraries_by_an_extra_from_2_14_on(knowledge, row):
    pinned = row("tensorflow", "2.19.0", "cu125-pip")
    assert pinned.install == "pip install 'tensorflow[and-cuda]==2.19.0'"
    assert pinned.requires["nvidia-cudnn-cu12"] == "==9.3.0.75"
    open_ = row("tensorflow", "2.21.0", "cu125-pip")
    assert open_.cudnn_linkage == "floor"
    assert not [
        each
        for each in knowledge.builds("tensorflow")
        if each.build.endswith("-pip") and each.version < Version("2.14")
    ]


def test_tensorflow_has_no_gpu_build_for_windows_after_2_10_and_none_for_arm(knowledge):
    rows = [each for each in knowledge.builds("tensorflow") if each.is_gpu]
    windows = [each.version for each in rows if each.platform == "windows-x86_64"]
    assert max(windows) == Version("2.10.1")
    assert not [each for each in rows if each.platform in ("linux-aarch64", "jetson")]


@pytest.mark.parametrize("version", ["2.21.0", "2.16.1", "2.15.1", "2.4.0"])
def test_tensorflows_own_compiler_stops_at_hopper(version):
    found = next(
        each
        for each in load().builds("tensorflow")
        if str(each.version) == version and each.default and each.is_gpu
    )
    assert found.capability_max == Version("9.0")


def test_an_older_release_never_reaches_a_newer_gpu_than_a_newer_one_of_the_same_wheels(knowledge):
    rows = [
        each
        for each in knowledge.builds("tensorflow")
        if each.channel == "pypi" and each.is_gpu and each.version >= Version("2.4")
    ]
    assert {each.capability_max for each in rows} == {Version("9.0")}


@pytest.mark.parametrize(
    ("version", "cap"),
    [("0.4.30", "9.0"), ("0.4.38", "10.0"), ("0.5.0", "10.0"), ("0.5.1", None), ("0.12.0", None)],
)
def test_jax_tells_the_newest_gpu_that_its_compiler_knows(row, version, cap):
    assert row("jax", version, "cuda12").capability_max == (Version(cap) if cap else None)


def test_jax_is_a_cpu_build_unless_an_extra_is_named(row):
    assert row("jax", "0.9.0", "cpu").default
    twelve = row("jax", "0.9.0", "cuda12")
    assert not twelve.default
    assert twelve.install == "pip install 'jax[cuda12]==0.9.0'"
    assert twelve.cudnn_linkage == "floor"
    assert row("jax", "0.9.0", "cuda12-local").cudnn_linkage == "system"


def test_jax_had_a_jaxlib_for_each_cuda_before(row):
    old = row("jax", "0.3.25", "cuda11-cudnn82", channel="jax")
    assert str(old.cudnn) == "8.2"
    assert "jax[cuda11_cudnn82]==0.3.25" in old.install
    assert row("jax", "0.2.12", "cuda102", channel="jax").install.endswith("jax_releases.html")


def test_jax_has_no_build_for_cuda_13_where_the_extra_cannot_be_installed(knowledge):
    rows = [each for each in knowledge.builds("jax") if each.build.startswith("cuda13")]
    assert min(each.version for each in rows) == Version("0.7.2")


@pytest.mark.parametrize(
    ("version", "build", "expected"),
    [
        ("2.6.2", "cu118", "sm_61 sm_70 sm_75 sm_80 sm_86"),
        ("2.5.0", "cu112", "sm_70 sm_75 sm_80 sm_86"),
        ("1.8.5", "cu100", "sm_30 sm_35 sm_50 sm_52 sm_60 sm_61 sm_70 sm_75"),
    ],
)
def test_paddlepaddle_on_pypi_has_the_code_of_its_wheels_and_no_ptx(row, version, build, expected):
    assert code(row("paddlepaddle", version, build)) == expected


def test_paddlepaddle_names_its_cuda_in_the_release_until_2_6_and_in_the_index_after(row):
    old = row("paddlepaddle", "2.6.2", "cu120", channel="paddle")
    assert old.install.startswith("pip install paddlepaddle-gpu==2.6.2.post120 -f ")
    new = row("paddlepaddle", "3.2.0", "cu129", channel="paddle")
    assert new.install.endswith("/packages/stable/cu129/")


def test_paddlepaddles_windows_wheel_for_cuda_12_9_gained_blackwell_with_3_2(row):
    before = row("paddlepaddle", "3.1.0", "cu129", "windows-x86_64", "paddle")
    after = row("paddlepaddle", "3.2.0", "cu129", "windows-x86_64", "paddle")
    assert code(before) == "sm_75 sm_80 sm_86 sm_89"
    assert "sm_120" in code(after)


def test_mxnet_has_a_distribution_for_each_cuda(row):
    build = row("mxnet", "1.9.1", "cu112")
    assert build.distribution == "mxnet-cu112"
    assert code(build) == "sm_50 sm_60 sm_70 sm_80 sm_86"
    assert build.cudnn_linkage == "system"
    assert row("mxnet", "1.9.1", "cu117").released.startswith("2022")
    assert row("mxnet", "1.5.0", "cu90").cudnn_linkage == "static"


@pytest.mark.parametrize("version", ["1.6.0.post0", "1.9.1"])
def test_mxnet_cannot_live_with_numpy_1_24_whatever_it_declares(row, version):
    assert "<1.24" in row("mxnet", version, "cu101").numpy


def test_cupy_is_source_and_one_wheel_for_each_cuda(row):
    assert row("cupy", "14.2.0", "source").default
    assert row("cupy", "14.2.0", "source").from_source
    assert "sm_110" in code(row("cupy", "14.2.0", "cuda13x", "linux-aarch64"))
    assert row("cupy", "14.2.0", "cuda12x-ctk").install == "pip install 'cupy-cuda12x[ctk]==14.2.0'"
    assert row("cupy", "10.3.0", "cuda115").yanked


def test_theano_caffe_and_cntk_end_where_their_projects_did(knowledge):
    newest = {name: str(knowledge.builds(name)[0].version) for name in ("theano", "caffe", "cntk")}
    assert newest == {"theano": "1.0.5", "caffe": "1.0", "cntk": "2.7.post2"}


def test_keras_belongs_to_the_tensorflow_of_its_minor_until_2_15(knowledge):
    for build in knowledge.builds("keras"):
        if Version("2.6") <= build.version < Version("3"):
            minor = build.version.minor
            assert build.requires["tensorflow"] == f">=2.{minor}.0rc0,<2.{minor + 1}"


@pytest.mark.parametrize(
    ("label", "wanted"),
    [
        ("cuda12", "cu12"),
        ("cuda12-local", "cuda12_local"),
        ("cuda12-pip", "cuda12_pip"),
        ("cuda13x", "cu13"),
        ("cu125-pip", "cu125"),
        ("cu112", "cuda11.2"),
    ],
)
def test_labels_are_found_as_users_write_them(label, wanted):
    assert fits_label(label, wanted)


@pytest.mark.parametrize(
    ("name", "framework", "build"),
    [
        ("tensorflow-gpu", "tensorflow", "cu"),
        ("mxnet-cu112", "mxnet", "cu112"),
        ("cupy-cuda12x", "cupy", "cuda12x"),
        ("paddlepaddle_gpu", "paddlepaddle", "cu"),
        ("Theano", "theano", ""),
    ],
)
def test_names_of_distributions_stand_for_their_framework_and_build(
    knowledge, name, framework, build
):
    found = knowledge.name(name)
    assert (found.framework, found.build) == (framework, build)


def test_extensions_name_frameworks_and_distributions_that_exist(knowledge):
    distributions = {
        name: {build.distribution for build in knowledge.builds(name)}
        for name in knowledge.frameworks
    }
    satellites = {row.extension for row in knowledge.extensions}
    for row in knowledge.extensions:
        assert row.evidence, row.extension
        known = distributions[row.framework] | satellites
        assert set(row.requires) <= known, (row.extension, row.requires)


CONDA_FORGE = ("pytorch", "tensorflow", "jax", "cupy")


@pytest.mark.parametrize("framework", CONDA_FORGE)
def test_conda_forge_tells_its_pythons(knowledge, framework):
    rows = [row for row in knowledge.builds(framework) if row.channel == "conda-forge"]
    assert len(rows) > 100
    assert all(row.python_tags for row in rows)


@pytest.mark.parametrize(
    ("framework", "version", "build", "platform", "tags"),
    [
        ("tensorflow", "2.15.0", "cu120", "linux-x86_64", "cp39 cp310 cp311"),
        ("pytorch", "2.9.1", "cu129", "linux-x86_64", "cp310 cp311 cp312 cp313"),
        ("pytorch", "2.13.0", "cpu", "macos-arm64", "cp310 cp311 cp312 cp313 cp314"),
        ("jax", "0.4.31", "cuda120", "linux-x86_64", "cp310 cp311 cp312"),
        ("cupy", "13.3.0", "cuda126", "linux-x86_64", "cp39 cp310 cp311 cp312"),
    ],
)
def test_conda_forge_has_what_its_feedstock_built(row, framework, version, build, platform, tags):
    found = row(framework, version, build, platform, channel="conda-forge")
    assert " ".join(found.python_tags) == tags


@pytest.mark.parametrize("version", ["1.8.1", "2.0.1", "2.9.0"])
def test_conda_forge_has_no_pytorch_that_it_passed_over(knowledge, version):
    assert not [
        row
        for row in knowledge.builds("pytorch")
        if str(row.version) == version and row.channel == "conda-forge"
    ]


def test_conda_forge_has_a_pytorch_for_orin(row):
    found = row("pytorch", "2.13.0", "cu129", "jetson", channel="conda-forge")
    assert code(found) == "sm_87 compute_87"
    assert "arm-variant=*=tegra" in found.install


def test_windows_has_targets_of_its_own(row):
    assert "compute_75" in code(row("paddlepaddle", "2.1.3", "cu102", "windows-x86_64"))
    assert "compute" not in code(row("paddlepaddle", "2.1.3", "cu102"))
    assert "sm_70" not in code(row("mxnet", "1.2.0", "cu92", "windows-x86_64"))
    assert "sm_70" in code(row("mxnet", "1.2.0", "cu92"))


def test_jetson_wheels_of_cupy_have_code_for_jetson_alone(row):
    assert code(row("cupy", "12.3.0", "cuda102", "jetson")) == "sm_53 sm_62 sm_72"


def test_cuda_8_has_the_releases_of_its_time(knowledge):
    oldest = {name: knowledge.builds(name)[-1].released for name in ("tensorflow", "mxnet", "cupy")}
    assert oldest == {"tensorflow": "2016-12-19", "mxnet": "2017-05-02", "cupy": "2017-06-01"}
