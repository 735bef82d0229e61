"""A scene as USD against the same scene as URDF (which a test of ours has MuJoCo read back): it opens, and masses,
axes, anchors and ranges are the same to 1e-6. Needs usd-core; see run.sh."""
import math
import sys
import xml.etree.ElementTree as xml

from pxr import Gf, Usd, UsdGeom, UsdPhysics


def near(a, b, what):
    # USD's physics keeps floats.
    for x, y in zip(a, b, strict=True):
        if abs(x - y) > 1e-6 * max(1, abs(y)):
            sys.exit(f"{what}: {x}, not {y}")


def numbers(node, name):
    return [float(x) for x in node.get(name).split()]


def rotation(rpy):
    r, p, y = (math.degrees(a) for a in rpy)
    turn = Gf.Rotation(Gf.Vec3d(1, 0, 0), r) * Gf.Rotation(Gf.Vec3d(0, 1, 0), p) * Gf.Rotation(Gf.Vec3d(0, 0, 1), y)
    return Gf.Matrix4d(1).SetRotate(turn)


stage = Usd.Stage.Open(sys.argv[1])
robot = xml.parse(sys.argv[2]).getroot()
assert UsdGeom.GetStageUpAxis(stage) == "Z" and UsdGeom.GetStageMetersPerUnit(stage) == 1
prims = {p.GetName(): p for p in stage.Traverse()}
masses = joints = 0
for link in robot.findall("link"):
    mass = link.find("inertial/mass")
    prim = prims[link.get("name")]
    if mass is None or not prim.HasAPI(UsdPhysics.RigidBodyAPI):
        continue
    near([UsdPhysics.MassAPI(prim).GetMassAttr().Get()], [float(mass.get("value"))], f"mass of {link.get('name')}")
    masses += 1

for joint in robot.findall("joint"):
    if joint.get("type") not in ("prismatic", "revolute"):
        continue
    name, slides = joint.get("name"), joint.get("type") == "prismatic"
    prim = prims[name]
    kind = UsdPhysics.PrismaticJoint if slides else UsdPhysics.RevoluteJoint
    assert prim.IsA(kind), name
    one = kind(prim)
    by = 1 if slides else 180 / math.pi
    limit = joint.find("limit")
    near([one.GetLowerLimitAttr().Get(), one.GetUpperLimitAttr().Get()],
         [by * float(limit.get("lower")), by * float(limit.get("upper"))], f"range of {name}")

    # Both have the child's frame at zero, and the axis in it.
    axis = Gf.Vec3d(*numbers(joint.find("axis"), "xyz"))
    first = Gf.Rotation(one.GetLocalRot1Attr().Get()).TransformDir(Gf.Vec3d(1, 0, 0))
    near(first, axis, f"axis of {name}")
    turn = rotation(numbers(joint.find("origin"), "rpy"))
    near(Gf.Rotation(one.GetLocalRot0Attr().Get()).TransformDir(Gf.Vec3d(1, 0, 0)), turn.TransformDir(axis),
         f"axis of {name} in what it moves on")

    # Across the axis both frames lie on one another in the world as it is drawn.
    poses = []
    for target, where in ((one.GetBody0Rel(), one.GetLocalPos0Attr()), (one.GetBody1Rel(), one.GetLocalPos1Attr())):
        body = stage.GetPrimAtPath(target.GetTargets()[0]) if target.GetTargets() else None
        matrix = UsdGeom.Xformable(body).ComputeLocalToWorldTransform(0) if body else Gf.Matrix4d(1)
        poses.append((matrix.Transform(Gf.Vec3d(where.Get())), matrix))
    off = poses[1][0] - poses[0][0]
    along = poses[1][1].TransformDir(axis).GetNormalized()
    near(off - along * Gf.Dot(off, along) if slides else off, Gf.Vec3d(0), f"place of {name}")
    joints += 1
print(f"{masses} masses and {joints} joints are the same")
