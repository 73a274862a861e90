from __future__ import annotations

from stackcheck.model.gpu import MigInstance
from stackcheck.rules.visibility.vs05_stale_mig_uuid import RULE
from tests.stackcheck.sketch import UNKNOWN, found, healthy, verdict, with_gpu, with_variables


def test_names_the_instance_that_is_gone():
    finding = found(
        RULE,
        with_variables(
            with_gpu(
                healthy(), mig_enabled=True, mig_instances=(MigInstance("MIG-aaaa", "1g.10gb"),)
            ),
            CUDA_VISIBLE_DEVICES="MIG-bbbb",
        ),
    )
    assert "MIG-bbbb, which is none of the 1 MIG instances" in finding.title
    assert finding.evidence


def test_is_silent_about_one_that_exists():
    assert (
        verdict(
            RULE,
            with_variables(
                with_gpu(
                    healthy(), mig_enabled=True, mig_instances=(MigInstance("MIG-aaaa", "1g.10gb"),)
                ),
                CUDA_VISIBLE_DEVICES="MIG-aaaa",
            ),
        )
        == "pass"
    )


def test_is_undecided_where_instances_are_not_known():
    assert (
        verdict(
            RULE,
            with_variables(
                with_gpu(healthy(), mig_instances=UNKNOWN), CUDA_VISIBLE_DEVICES="MIG-bbbb"
            ),
        )
        == "unknown"
    )
