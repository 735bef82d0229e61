"""The wheel holds a library for one kind of machine, and Python of any version: no compiler is needed to install it."""

import os

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel


class OneMachine(Distribution):
    def has_ext_modules(self):
        return True


class AnyPython(bdist_wheel):
    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


setup(
    version=os.environ["DEMOLOOM_VERSION"],
    packages=["demoloom"],
    package_data={"demoloom": ["lib/*", "scenes/**", "tools/*", "licenses/*"]},
    distclass=OneMachine,
    cmdclass={"bdist_wheel": AnyPython},
)
